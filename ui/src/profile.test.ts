import { describe, expect, test } from 'vitest';

import type { Profile } from './bindings/Profile';
import { favourite, vmId } from './fixtures/build';
import { accessChoices, draftOf, emptyDraft, hintsFor, inheritableFrom, nameFrom, profileFrom, protocolOf } from './profile';
import { words } from './words';

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

  test.each(['', 'automatic', 'office', 'vpn-2.eu', ' 203.0.113.7 ', '10.0.0.4', '203.0.113.7/32', '223.255.255.255'])('takes “%s” to ask access from', (source) => {
    expect(hintsFor({ ...draft, source })).toEqual({});
  });

  test.each(['Automatic', 'my office', '2nd', '203.0.113', '203.0.113.7.1', '203.0.113.256', '203.0.113.07', '10.0.0.0/8', '*', '::1', '0.0.0.0'])(
    'takes no “%s” to ask access from',
    (source) => {
      const hint = `“${source}” is no address of a machine like 203.0.113.7, and no network’s name; use one, or automatic.`;
      expect(hintsFor({ ...draft, source })).toEqual({ source: hint });
    },
  );

  test.each(['127.0.0.1', '169.254.1.1', '224.0.0.1', '255.255.255.255'])('takes no “%s”, which nobody is seen at', (source) => {
    expect(Object.keys(hintsFor({ ...draft, source }))).toEqual(['source']);
  });

  test.each(['L 8080:localhost:80', 'L [::1]:8080:[2001:db8::7]:80', 'R 9000:127.0.0.1:3000', 'D *:1080', 'D 65535'])(
    'takes %s as a port to forward',
    (line) => expect(hintsFor({ ...draft, forwards: line })).toEqual({}),
  );

  test.each(['8080:localhost:80', '-L 8080:localhost:80', 'L 8080', 'L 0:a:80', 'D 65536', 'L 80:-x:80', 'L 80:a b:80', 'L 80:2001:db8::7:80'])(
    'tells of “%s”, which cannot be forwarded',
    (line) => expect(hintsFor({ ...draft, forwards: `D 1080\n${line}` })).toEqual({ forwards: words.forwardsWrong(line) }),
  );

  test('asks what is inherited without what is wrong', () => {
    const wrong = { ...draft, port: '70000', source: '10.0.0.0/8', user: 'anna' };
    expect(inheritableFrom(wrong)).toEqual({ user: 'anna' });
    expect(inheritableFrom({ ...wrong, port: '2222', source: '10.0.0.4' })).toEqual({ user: 'anna', port: 2222, source: '10.0.0.4' });
  });

  test('suggests the VM’s own name', () => {
    expect(nameFrom(vmId('web-01'))).toBe('web-01');
    expect(nameFrom('/subscriptions/')).toBe('');
  });

  test('leaves out what was left empty', () => {
    expect(profileFrom(draft)).toEqual({ vm: vmId('web-01') });
    expect(profileFrom({ ...draft, protocol: 'ssh' })).toEqual({ vm: vmId('web-01'), protocol: 'ssh' });
    expect(profileFrom({ ...draft, port: ' 2222 ', user: ' anna ' })).toMatchObject({ port: 2222, user: 'anna' });
  });

  test('changes of a favourite what is typed, and nothing else', () => {
    const profile = { vm: vmId('web-01'), start: false, identity_file: '~/.ssh/web', for: '90m', tenant: 'contoso.example' };
    const known = favourite('web-01', { profile });
    const draft = draftOf(known);
    expect(draft).toMatchObject({ port: '', access: '90m', protocol: '', tenant: 'contoso.example', account: '' });
    expect(accessChoices(draft.access).map(({ value }) => value)).toContain('90m');
    expect(profileFrom(draft, known)).toEqual(profile);
    const changed = profileFrom({ ...draft, account: 'grace', tenant: '', protocol: 'rdp' }, known);
    const { tenant: _, ...others } = profile;
    expect(changed).toEqual({ ...others, account: 'grace', protocol: 'rdp' });
  });

  test('keeps every field that a favourite has', () => {
    const written: Profile = {
      vm: vmId('web-01'),
      port: 2222,
      protocol: 'ssh',
      user: 'anna',
      for: '1h',
      account: 'work',
      cloud: 'usgov',
      tenant: 'contoso.us',
      start: true,
      identity_file: 'k',
      known_hosts_file: 'h',
      justification: '',
      ask_justification: false,
      address: 'private',
      source: '10.0.0.4',
      colour: 'red',
      client: 'my-ssh',
      client_arguments: ['-X', ''],
      forwards: ['L 8080:localhost:80', 'D 1080'],
      rdp_file: '~/web.rdp',
      gateway: '',
      multimon: true,
      entra_login: false,
      forward_agent: true,
      renew_up_to: '150m',
      after_use: 'ask',
      note: 'the front',
      folder: 'Team/Prod',
    };
    const known = favourite('web-01', { profile: written });
    expect(profileFrom(draftOf(known), known)).toEqual(written);
    const nothing = { vm: written.vm, justification: '', client_arguments: [], forwards: [] };
    const says = favourite('web-01', { profile: nothing });
    expect([draftOf(says).none, profileFrom(draftOf(says), says)]).toEqual([['justification', 'clientArguments', 'forwards'], nothing]);
    expect(profileFrom({ ...draftOf(says), none: [] }, says)).toEqual({ vm: written.vm });
    expect(profileFrom({ ...draftOf(known), none: ['justification', 'forwards'] }, known)).toEqual({ ...written, forwards: [] });
    expect(profileFrom({ ...emptyDraft, vm: written.vm, clientArguments: '-X\n-v' })).toMatchObject({ client_arguments: ['-X', '-v'] });
    expect(profileFrom({ ...emptyDraft, vm: written.vm, forwards: ' D 1080\n\n' })).toEqual({ vm: written.vm, forwards: ['D 1080'] });
  });

  test.each<[string, Partial<Profile>]>([
    ['3390', { port: 3390, protocol: 'rdp' }],
    ['', { protocol: 'rdp' }],
    [' 3389', { port: 3389 }],
  ])('saves the protocol that it shows where the port told it: “%s” in place of 3389', (port, saved) => {
    const known = favourite('desk', { protocol: 'rdp', port: 3389, profile: { vm: vmId('desk'), port: 3389 } });
    const changed = { ...draftOf(known), port };
    expect(protocolOf(changed, undefined, known)).toBe('rdp');
    expect(profileFrom(changed, known)).toEqual({ vm: vmId('desk'), ...saved });
  });

  test('says nothing of what a favourite inherits', () => {
    const known = favourite('web-01', { profile: { vm: vmId('web-01'), for: '1h', user: 'all' }, written: { vm: vmId('web-01') } });
    expect(profileFrom(draftOf(known), known)).toEqual({ vm: vmId('web-01') });
  });

  test('shows the protocol that is chosen, else the inherited one, else SSH', () => {
    const known = favourite('desk', { protocol: 'rdp', port: 3389 });
    expect(protocolOf(draft, undefined)).toBe('ssh');
    expect(protocolOf(draft, 'RDP, from Team')).toBe('rdp');
    expect(protocolOf({ ...draft, protocol: 'ssh' }, 'RDP, from Team')).toBe('ssh');
    expect(protocolOf(draftOf(known), undefined, known)).toBe('rdp');
    expect(protocolOf(draftOf(known), 'SSH', known)).toBe('ssh');
  });
});
