import { describe, expect, test } from 'vitest';

import { favourite, vmId } from './fixtures/build';
import { accessChoices, draftOf, emptyDraft, hintsFor, nameFrom, profileFrom } from './profile';

describe('the form for a favourite', () => {
  const draft = { ...emptyDraft, vm: ` ${vmId('web-01')}\n`, name: 'web-01' };

  test('has no objection to a pasted resource ID with space around it', () => {
    expect(hintsFor(draft)).toEqual({});
  });

  test('objects to an ID of something else, a name for no shell and a port that is none', () => {
    const wrong = { ...draft, vm: '/subscriptions/s/resourceGroups/g', name: 'my vm', port: '70000' };
    expect(Object.keys(hintsFor(wrong))).toEqual(['vm', 'name', 'port']);
    expect(Object.keys(hintsFor({ ...draft, port: '2.5' }))).toEqual(['port']);
  });

  test('suggests the VM’s own name', () => {
    expect(nameFrom(vmId('web-01'))).toBe('web-01');
    expect(nameFrom('/subscriptions/')).toBe('');
  });

  test('leaves out what was left empty', () => {
    const nothing = { port: null, user: null, account: null, tenant: null, cloud: null, folder: null, note: null };
    expect(profileFrom(draft)).toEqual({ vm: vmId('web-01'), protocol: 'ssh', for: '2h', ...nothing });
    expect(profileFrom({ ...draft, port: ' 2222 ', user: ' anna ' })).toMatchObject({ port: 2222, user: 'anna' });
  });

  test('changes of a favourite what is typed, and nothing else', () => {
    const profile = { vm: vmId('web-01'), start: false, identity_file: '~/.ssh/web', for: '90m', tenant: 'contoso.example' };
    const known = favourite('web-01', { profile });
    const draft = draftOf(known);
    expect(draft).toMatchObject({ port: '', access: '90m', protocol: 'ssh', tenant: 'contoso.example', account: '' });
    expect(accessChoices(draft.access).map(({ value }) => value)).toContain('90m');
    expect(profileFrom(draft, known)).toMatchObject({ ...profile, protocol: null });
    const changed = profileFrom({ ...draft, account: 'grace', tenant: '', protocol: 'rdp' }, known);
    expect(changed).toMatchObject({ start: false, for: '90m', account: 'grace', tenant: null, protocol: 'rdp' });
    const plain = favourite('web-02');
    expect(profileFrom(draftOf(plain), plain).for).toBeUndefined();
  });
});
