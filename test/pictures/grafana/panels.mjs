/**
 * Draws the panels of a dashboard with Grafana's own components. `window.dashboard` is what was measured, `window.scheme`
 * is `light` or `dark`. Runs in a browser; bundled by `dashboard-picture.ts`.
 */
import { createTheme, dateTime, FieldType, getDisplayProcessor, ThemeContext } from '@grafana/data'
import { GlobalStyles, PanelChrome, TimeSeries } from '@grafana/ui'
import { createElement as h } from 'react'
import { createRoot } from 'react-dom/client'
import uplotStyle from 'uplot/dist/uPlot.min.css'

const { dashboard, scheme } = window
const theme = createTheme({ colors: { mode: scheme } })
const columns = 24
const rowHeight = 30
const margin = 8
const width = window.innerWidth - 2 * margin

const timeRange = {
  from: dateTime(dashboard.range.from * 1000),
  to: dateTime(dashboard.range.to * 1000),
  raw: { from: dateTime(dashboard.range.from * 1000), to: dateTime(dashboard.range.to * 1000) },
}

/** A quantile of no requests is not a number. */
const finite = ([, figure]) => (Number.isFinite(figure) ? figure : null)

/** A line as the Prometheus data source of Grafana hands it to a panel. */
function toFrame({ name, points }, { unit }, seriesIndex) {
  const custom = {
    drawStyle: 'line',
    lineInterpolation: 'linear',
    lineWidth: 1,
    fillOpacity: 0,
    gradientMode: 'none',
    spanNulls: false,
    showPoints: 'never',
    pointSize: 5,
    stacking: { mode: 'none', group: 'A' },
    axisPlacement: 'auto',
    axisWidth: 72, // labels are measured in a font that is not there
    axisColorMode: 'text',
    axisBorderShow: false,
    scaleDistribution: { type: 'linear' },
    thresholdsStyle: { mode: 'off' },
    hideFrom: { legend: false, tooltip: false, viz: false },
  }
  const config = { displayName: name, unit, custom, color: { mode: 'palette-classic' } }
  const value = { name: 'Value', type: FieldType.number, values: points.map(finite), config }
  const time = { name: 'Time', type: FieldType.time, values: points.map(([seconds]) => seconds * 1000), config: {} }
  const fields = [time, { ...value, state: { seriesIndex } }]
  for (const field of fields) field.display = getDisplayProcessor({ field, theme, timeZone: 'utc' })
  return { refId: `${seriesIndex}`, fields, length: points.length }
}

function Panel({ panel, lines }) {
  const { x, y, w, h: rows } = panel.gridPos
  const column = (width + margin) / columns
  const size = { width: w * column - margin, height: rows * rowHeight + (rows - 1) * margin }
  const place = { position: 'absolute', left: margin + x * column, top: margin + y * (rowHeight + margin), ...size }
  const frames = lines.map((line, index) => toFrame(line, panel.fieldConfig.defaults, index))
  const legend = { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] }
  const drawn = (innerWidth, innerHeight) =>
    h(TimeSeries, {
      frames,
      timeRange,
      timeZone: 'utc',
      width: innerWidth,
      height: innerHeight,
      legend,
    })
  return h('div', { style: place }, h(PanelChrome, { title: panel.title, ...size }, drawn))
}

const bottom = Math.max(...dashboard.panels.map(({ panel: { gridPos } }) => gridPos.y + gridPos.h))
const page = {
  position: 'relative',
  height: bottom * (rowHeight + margin) + margin,
  background: theme.colors.background.canvas,
}
createRoot(document.querySelector('main')).render(
  h(
    ThemeContext.Provider,
    { value: theme },
    h(GlobalStyles),
    h('style', null, uplotStyle),
    h('div', { style: page }, ...dashboard.panels.map((one) => h(Panel, { key: one.panel.title, ...one }))),
  ),
)
