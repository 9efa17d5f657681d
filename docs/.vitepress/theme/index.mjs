import theme from 'vitepress/theme-without-fonts'
import { defineAsyncComponent, h } from 'vue'
import HeroRefusal from './HeroRefusal.vue'
import './site.css'

export default {
  extends: theme,
  Layout: () => h(theme.Layout, null, { 'home-hero-image': () => h(HeroRefusal) }),
  enhanceApp({ app }) {
    // Loaded by the one page that shows it: it carries the gate.
    app.component(
      'Playground',
      defineAsyncComponent(() => import('./playground/Playground.vue')),
    )
  },
}
