import { screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';

import type { Profile } from './bindings/Profile';
import type { RecordingEngine } from './engine.recording';
import { favourite, snapshot, vmId } from './fixtures/build';
import { asked, open, press } from './fixtures/signing';
import { empty } from './fixtures/snapshots';

const vm = vmId('web-01');
const isChosen = (name: string) => screen.getByRole<HTMLInputElement>('radio', { name }).checked;
const saidLast = (engine: RecordingEngine) => {
  const request = engine.inheriting.at(-1);
  return request?.ask === 'inherited' ? request.said : undefined;
};

/** The window with the form for a new favourite open. */
async function adding() {
  const opened = await open(empty(0));
  await opened.user.click(press('Add a VM'));
  await opened.user.click(screen.getByLabelText('VM resource ID'));
  await opened.user.paste(vm);
  return opened;
}

test('a favourite that is added inherits port and protocol until somebody chooses, and shows what', async () => {
  const { engine, user } = await adding();
  expect([isChosen('SSH'), isChosen('RDP'), saidLast(engine)]).toEqual([true, false, {}]);
  engine.inherited = [
    { field: 'port', text: '3390, from Team' },
    { field: 'protocol', text: 'RDP, from Team' },
  ];
  await user.type(screen.getByLabelText('Folder'), 'Team');
  expect(await screen.findByPlaceholderText('3390, from Team')).toBeTruthy();
  expect([isChosen('SSH'), isChosen('RDP')]).toEqual([false, true]);
  await user.click(press('Add'));
  expect(asked(engine)).toEqual([{ ask: 'add', name: 'web-01', profile: { vm, folder: 'Team' } }]);
});

test('who inherits ports to forward can want none, and a note keeps its lines', async () => {
  const profile: Profile = { vm, note: 'one\ntwo' };
  const { engine, user } = await open(snapshot({ favourites: [favourite('web', { profile })] }));
  engine.inherited = [{ field: 'forwards', text: 'D 1080, from Team' }];
  await user.keyboard('{ArrowDown}{F2}');
  await user.type(screen.getByLabelText('Note'), '!');
  await user.click(screen.getByText('More'));
  await user.click(await screen.findByLabelText('Forward nothing, whatever is inherited'));
  expect(screen.getByLabelText<HTMLTextAreaElement>('Ports forwarded by ssh').disabled).toBe(true);
  await user.click(press('Save'));
  expect(asked(engine)).toEqual([{ ask: 'edit', name: 'web', before: profile, profile: { vm, note: 'one\ntwo!', forwards: [] } }]);
});

test.each(['SSH', 'RDP'] as const)('a favourite is opened with %s where that is chosen, whatever is inherited', async (chosen) => {
  const { engine, user } = await adding();
  await user.click(screen.getByRole('radio', { name: chosen }));
  engine.inherited = [{ field: 'protocol', text: chosen === 'SSH' ? 'RDP' : 'SSH' }];
  await user.type(screen.getByLabelText('Folder'), 'T');
  expect(isChosen(chosen)).toBe(true);
  await user.click(press('Add'));
  const protocol = chosen.toLowerCase();
  expect(asked(engine)).toEqual([{ ask: 'add', name: 'web-01', profile: { vm, folder: 'T', protocol } }]);
});

test('a favourite that RDP opens by its port alone stays one that RDP opens at another port', async () => {
  const profile: Profile = { vm, port: 3389 };
  const { engine, user } = await open(snapshot({ favourites: [favourite('desk', { protocol: 'rdp', port: 3389, profile })] }));
  await user.keyboard('{ArrowDown}{F2}');
  engine.inherited = [{ field: 'protocol', text: 'SSH' }];
  await user.type(screen.getByLabelText('Port'), '{Backspace}90');
  expect([isChosen('RDP'), saidLast(engine)]).toEqual([true, { port: 33890, protocol: 'rdp' }]);
  await user.click(press('Save'));
  expect(asked(engine)).toEqual([{ ask: 'edit', name: 'desk', before: profile, profile: { vm, port: 33890, protocol: 'rdp' } }]);
});

test('an address that is none to ask access from is told beside it, and asked nothing about', async () => {
  const { engine, user } = await adding();
  await user.type(screen.getByLabelText('Ask access from'), '10.0.0.0/8');
  expect(saidLast(engine)).toEqual({});
  await user.click(press('Add'));
  const field = screen.getByLabelText('Ask access from');
  expect(screen.getByText(/“10.0.0.0\/8” is no address of a machine/).id).toBe(field.getAttribute('aria-describedby'));
  expect(field.closest('details')).toHaveProperty('open', true);
  expect(asked(engine)).toEqual([]);
  await user.clear(field);
  await user.type(field, '203.0.113.7');
  await user.click(press('Add'));
  expect(asked(engine)).toEqual([{ ask: 'add', name: 'web-01', profile: { vm, source: '203.0.113.7' } }]);
});

test('a protocol that was chosen can be given back to what is inherited', async () => {
  const profile: Profile = { vm, protocol: 'ssh' };
  const { engine, user } = await open(snapshot({ favourites: [favourite('desk', { profile })] }));
  await user.keyboard('{ArrowDown}{F2}');
  engine.inherited = [{ field: 'protocol', text: 'RDP, from the defaults' }];
  await user.click(press('Opens with: as inherited'));
  await screen.findByRole('radio', { name: 'RDP', checked: true });
  expect(screen.queryByRole('button', { name: 'Opens with: as inherited' })).toBeNull();
  await user.click(press('Save'));
  expect(asked(engine)).toEqual([{ ask: 'edit', name: 'desk', before: profile, profile: { vm } }]);
});
