import { init, use } from 'echarts/core';
import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** One line of the picture. */
export type Line = { readonly name: string; /** nats a code after each window, the first before any */ readonly losses: readonly number[]; readonly dashed?: boolean };

/** Losses by window: an SVG picture, the same for the same lines. */
export function windowsChart(title: string, lines: readonly Line[]): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 760, height: 420 });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#fff',
      title: { text: title, left: 'center' },
      legend: { bottom: 0 },
      grid: { left: 64, right: 24, top: 48, bottom: 88 },
      xAxis: { type: 'value', name: 'window', nameLocation: 'middle', nameGap: 26, min: 0, max: 'dataMax' },
      yAxis: { type: 'log', name: 'nats per code', min: 0.1, max: 3 },
      series: lines.map(({ name, losses, dashed }) => ({ type: 'line' as const, name, data: losses.map((loss, window) => [window, loss]), showSymbol: false, lineStyle: { width: 1.8, type: dashed ? ('dashed' as const) : ('solid' as const) } })),
    });
    return `${withoutCounters(chart.renderToSVGString())}\n`;
  } finally {
    chart.dispose();
  }
}

/** echarts numbers charts and hover classes through the life of the process; a file must not depend on that. */
const withoutCounters = (svg: string): string =>
  svg.replaceAll(/ class="[^"]*"/g, '').replaceAll(/<style[^]*?<\/style>/g, '').replaceAll(/\bzr\d+-/g, 'curve-').trim();
