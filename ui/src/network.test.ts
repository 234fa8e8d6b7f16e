import { render, screen, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { tick } from 'svelte';
import { expect, test } from 'vitest';

import App from './App.svelte';
import type { AttemptView } from './bindings/AttemptView';
import type { Snapshot } from './bindings/Snapshot';
import { RecordingEngine } from './engine.recording';
import { attempt, failure } from './fixtures/build';
import * as states from './fixtures/snapshots';

const NOW = Date.parse('2026-11-22T15:00:00Z');

async function open(first: Snapshot) {
  const engine = new RecordingEngine(first);
  const user = userEvent.setup();
  render(App, { engine });
  await tick();
  return { engine, user };
}

const rowOf = (name: string) =>
  within(screen.getAllByRole('row').find((row) => row.querySelector('.name')?.textContent.trim() === name) as HTMLElement);

const wish = { ask: 'connect', name: 'jump-eu', launch: false, extends: true, follows: true };

test('what is open from another address says so, and is opened from here by its button', async () => {
  const { engine, user } = await open(states.moved(NOW));
  expect(rowOf('jump-eu').getByText(/Your address is now 198\.51\.100\.77/)).toBeTruthy();
  await user.click(rowOf('jump-eu').getByRole('button', { name: 'Open from here: jump-eu' }));
  expect(engine.requests).toEqual([wish]);
});

test('where the address is not known nothing is offered, and what stays open for the one before is told', async () => {
  await open(states.moved(NOW));
  expect(rowOf('gpu-lab').getByText(/cannot be found out/)).toBeTruthy();
  expect(rowOf('gpu-lab').queryByRole('button', { name: /from here/ })).toBe(null);
  expect(rowOf('raft-main').getByText(/Azure keeps it open from 203\.0\.113\.7/)).toBeTruthy();
});

test('what failed from the new address is tried again from there', async () => {
  const outcome: AttemptView['outcome'] = { kind: 'failed', ...failure('unreachable') };
  const failed = attempt(1, 'jump-eu', NOW, { extends: true, follows: true, outcome });
  const { engine, user } = await open({ ...states.moved(NOW), attempts: [failed] });
  expect(screen.getByText('Couldn’t open')).toBeTruthy();
  await user.click(screen.getByRole('button', { name: /^Try again/ }));
  expect(engine.requests).toEqual([wish]);
});
