import theme from 'vitepress/theme'
import { defineAsyncComponent } from 'vue'
import './site.css'

export default {
  extends: theme,
  enhanceApp({ app }) {
    // Loaded by the one page that shows it: it carries the gate.
    app.component(
      'Playground',
      defineAsyncComponent(() => import('./playground/Playground.vue')),
    )
  },
}
