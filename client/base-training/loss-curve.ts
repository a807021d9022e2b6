import { init, use } from 'echarts/core';
import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';
import type { TrainingRecord } from './training-record.ts';

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** The loss of training, and of held-out music by style, over the steps: an SVG picture, the same for the same record. */
export function lossCurve({ name, lossCurve: curve, heldOut }: TrainingRecord): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 760, height: 420 });
  const line = (label: string, points: readonly (readonly [number, number])[], width: number) =>
    ({ type: 'line' as const, name: label, data: points.map((point) => [...point]), showSymbol: false, lineStyle: { width } });
  const styles = Object.keys(heldOut[0]?.losses ?? {});
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#fff',
      title: { text: `${name}: loss while it learns`, left: 'center' },
      legend: { bottom: 0 },
      grid: { left: 64, right: 24, top: 48, bottom: 88 },
      xAxis: { type: 'value', name: 'step', nameLocation: 'middle', nameGap: 26, min: 0, max: 'dataMax' },
      yAxis: { type: 'log', name: 'nats per code', min: 0.05, max: 6 },
      series: [line('training', curve, 2.5), ...styles.map((style) => line(style, heldOut.map((one) => [one.step, one.losses[style]!] as const), 1.2))],
    });
    return `${withoutCounters(chart.renderToSVGString())}\n`;
  } finally {
    chart.dispose();
  }
}

/** echarts numbers charts and hover classes through the life of the process; a file must not depend on that. */
const withoutCounters = (svg: string): string =>
  svg.replaceAll(/ class="[^"]*"/g, '').replaceAll(/<style[^]*?<\/style>/g, '').replaceAll(/\bzr\d+-/g, 'curve-').trim();
