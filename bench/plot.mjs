/** Plots of measurements as SVG text, drawn by ECharts without a browser. Used by the report scripts of this folder. */
import * as echarts from "echarts";

/**
 * A line chart with logarithmic axes.
 * @param {{ title: string, x: { name: string, values: number[] }, y: string, series: { name: string, values: number[] }[] }} chart
 * @returns {string} the SVG
 */
export function lineChart({ title, x, y, series }) {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 720, height: 420 });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: { text: title, left: "center", textStyle: { fontSize: 16 } },
    legend: { bottom: 0, itemGap: 28, icon: "circle" },
    grid: { left: 70, right: 30, top: 50, bottom: 80 },
    xAxis: {
      type: "log",
      name: x.name,
      nameLocation: "middle",
      nameGap: 28,
      min: Math.min(...x.values) / 1.2,
      max: Math.max(...x.values) * 1.2,
      axisLabel: { showMinLabel: false, showMaxLabel: false },
    },
    yAxis: { type: "log", name: y },
    series: series.map(({ name, values }) => ({
      name,
      type: "line",
      symbolSize: 7,
      data: values.map((value, k) => [x.values[k], value]),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
