import { screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';

import type { AttemptView } from './bindings/AttemptView';
import type { OutcomeView } from './bindings/OutcomeView';
import { attempt, failure, favourite, snapshot, window } from './fixtures/build';
import { asked, beNow, card, NOW, open } from './fixtures/signing';

beNow();

const uncertain: OutcomeView = { kind: 'failed', ...failure('sourceUncertain', { choices: ['198.51.100.20', '203.0.113.7'] }) };
const wanting: OutcomeView = { kind: 'failed', ...failure('reasonWanted') };
const showing = (...attempts: AttemptView[]) =>
  snapshot({ favourites: [favourite('web')], windows: [window('web', NOW, 50, 10)], attempts });
const ended = (number: number, outcome: OutcomeView, parts: Partial<AttemptView> = {}) =>
  showing(attempt(number, 'web', NOW, { outcome, ...parts }));

const choice = () => card('web').getByRole('button', { name: 'Connect to web from 203.0.113.7' });
const lastOf = (engine: Parameters<typeof asked>[0]) => asked(engine).at(-1);
const connects = { ask: 'connect', name: 'web', launch: true };

test('a favourite that asks from where and then why is opened with both answers', async () => {
  const { engine, user, see } = await open(ended(1, uncertain));
  await user.click(choice());
  expect(lastOf(engine)).toEqual({ ...connects, source: '203.0.113.7' });
  await see(showing(attempt(2, 'web', NOW)));
  await see(ended(2, wanting));
  await user.type(card('web').getByLabelText('Reason'), 'Ticket 7{Enter}');
  expect(lastOf(engine)).toEqual({ ...connects, source: '203.0.113.7', reason: 'Ticket 7' });
});

test('more time is asked for with both answers, too', async () => {
  const { engine, user, see } = await open(ended(1, wanting, { extends: true }));
  await user.type(card('web').getByLabelText('Reason'), 'Ticket 7{Enter}');
  await see(ended(2, uncertain, { extends: true }));
  await user.click(choice());
  const both = { source: '203.0.113.7', reason: 'Ticket 7' };
  expect(lastOf(engine)).toEqual({ ...connects, launch: false, extends: true, ...both });
});

test.each<[string, AttemptView[]]>([
  ['fails for another reason', [attempt(2, 'web', NOW, { outcome: { kind: 'failed', ...failure('portSilent') } })]],
  ['is cancelled', [attempt(2, 'web', NOW, { outcome: { kind: 'cancelled', ...failure('cancelled') } })]],
  ['is dismissed', []],
])('what was said is not said again after an attempt that %s', async (_, after) => {
  const { engine, user, see } = await open(ended(1, uncertain));
  await user.click(choice());
  await see(showing(...after));
  await see(ended(3, wanting));
  await user.type(card('web').getByLabelText('Reason'), 'Ticket 7{Enter}');
  expect(lastOf(engine)).toEqual({ ...connects, reason: 'Ticket 7' });
});

test('an attempt that is begun anew in its row asks anew', async () => {
  const { engine, user, see } = await open(ended(1, uncertain));
  await user.click(choice());
  await see(ended(2, wanting));
  await user.dblClick(screen.getAllByText('web').at(-1) as HTMLElement);
  expect(lastOf(engine)).toEqual(connects);
  await user.type(card('web').getByLabelText('Reason'), 'Ticket 7{Enter}');
  expect(lastOf(engine)).toEqual({ ...connects, reason: 'Ticket 7' });
});
