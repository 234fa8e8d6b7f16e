import './tokens.css';
import './app.css';

import { isTauri } from '@tauri-apps/api/core';
import { mount } from 'svelte';

import App from './App.svelte';
import { tauriEngine, type Engine } from './engine';

async function chooseEngine(): Promise<Engine> {
  if (import.meta.env.DEV && !isTauri()) {
    const { mockEngine } = await import('./engine.mock');
    return mockEngine(new URLSearchParams(location.search));
  }
  return tauriEngine;
}

const target = document.getElementById('app');
if (target) {
  mount(App, { target, props: { engine: await chooseEngine() } });
}
