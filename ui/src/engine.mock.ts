// An engine for `npm run dev` in a browser: `?state=connecting&theme=dark`. It answers as a fixture, not as Azure.

import type { Request } from './bindings/Request';
import type { Snapshot } from './bindings/Snapshot';
import type { Engine } from './engine';
import { deallocation, failure, favourite, signIn } from './fixtures/build';
import { history } from './fixtures/history';
import * as states from './fixtures/snapshots';

const byName: Record<string, states.State> = {
  idle: states.idle,
  connecting: states.connecting,
  ending: states.ending,
  moved: states.moved,
  failures: states.failures,
  empty: states.empty,
  settings: states.settings,
  long: states.long,
  first: states.first,
  accounts: states.accounts,
  browser: states.signInBrowser,
  code: states.signInCode,
  signedIn: states.signedIn,
  signInFailed: states.signInFailed,
  wanting: states.wanting,
  gone: states.gone,
  search: states.inventory,
  folders: states.folders,
  set: states.set,
  newer: states.newer,
  recents: states.recents,
};

export function mockEngine(wish: URLSearchParams): Engine {
  const theme = wish.get('theme');
  if (theme) document.documentElement.style.colorScheme = theme;
  let snapshot = (byName[wish.get('state') ?? ''] ?? states.idle)(Date.now());
  let see: (snapshot: Snapshot) => void = () => {};

  return {
    follow(follower) {
      see = follower;
      // Of a sign-in that it did not see under way the window tells no end.
      if (snapshot.signIn) queueMicrotask(() => see({ ...snapshot, signIn: signIn({ kind: 'beginning' }) }));
      queueMicrotask(() => see(snapshot));
      return Promise.resolve(() => (see = () => {}));
    },
    request(request) {
      if (request.ask === 'add' && snapshot.favourites.some(({ name }) => name === request.name)) {
        const refused = failure('favouriteExists', {
          title: `There is a favourite “${request.name}” already.`,
          message: 'Two favourites cannot have the same name.',
          action: 'Choose another name.',
        });
        return Promise.resolve({ answer: 'refused', failure: refused });
      }
      if (request.ask === 'findVms') return Promise.resolve({ answer: 'vms', found: states.fleet(request) });
      if (request.ask === 'inherited') return Promise.resolve({ answer: 'inherited', fields: states.inherited(request) });
      if (request.ask === 'history') return Promise.resolve({ answer: 'history', history: history(request, wish.has('unused') ? 0 : 1_234, Date.now()) });
      if (request.ask === 'exportHistory') return Promise.resolve({ answer: 'exported', text: '', count: 1_234 });
      snapshot = answer(snapshot, request);
      see(snapshot);
      return Promise.resolve({ answer: 'done' });
    },
    copyText: () => Promise.resolve(),
    openHelp: () => Promise.resolve(),
    openSignInPage: () => Promise.resolve(),
    openSettings: () => Promise.resolve(),
    hasDemo: () => Promise.resolve(true),
    startDemo: () => Promise.resolve(),
    chooseImport: () => Promise.resolve(true),
    lookAtImport: (personal) => Promise.resolve(states.importing(personal)),
    takeIn: () => Promise.resolve({ text: 'Added 1 favourite: cache.', added: ['cache'], changed: [], undo: null }),
    exportFavourites: () => Promise.resolve('Wrote 6 favourites to /home/anna/team.toml. Others take them in with “ajar import”.'),
    onDropped: () => Promise.resolve(() => {}),
    closeWindow: () => Promise.resolve(),
  };
}

function answer(before: Snapshot, request: Request): Snapshot {
  const after = { ...before, revision: before.revision + 1 };
  switch (request.ask) {
    case 'connect':
      return {
        ...after,
        attempts: [
          ...before.attempts.filter(({ name }) => name !== request.name),
          { ...states.connectingAttempt(Date.now()), number: after.revision + 100, name: request.name },
        ],
      };
    case 'cancel':
    case 'dismiss':
      return {
        ...after,
        attempts: before.attempts.filter(({ name }) => name !== request.name),
        deallocations: before.deallocations.filter(({ name }) => name !== request.name),
      };
    case 'keepRunning':
      return { ...after, afterUse: before.afterUse.filter(({ name }) => name !== request.unused.name) };
    case 'deallocateUnused':
      return {
        ...after,
        afterUse: before.afterUse.filter(({ name }) => name !== request.unused.name),
        deallocations: [...before.deallocations, deallocation(after.revision, request.unused.name, Date.now())],
      };
    case 'deallocate':
      return { ...after, deallocations: [...before.deallocations, deallocation(after.revision, request.name, Date.now())] };
    case 'add':
    case 'bringBack':
      return { ...after, favourites: [...before.favourites, favourite(request.name, { vm: request.profile.vm, profile: request.profile })] };
    case 'copyOfTeam':
      return {
        ...after,
        favourites: before.favourites.map(({ ofTeam, ...known }) =>
          known.name === request.name || !ofTeam ? known : { ...known, ofTeam },
        ),
      };
    case 'edit':
      return {
        ...after,
        favourites: before.favourites.map((known) =>
          known.name === request.name ? { ...known, name: request.rename ?? known.name, profile: request.profile } : known,
        ),
      };
    case 'move': {
      const moved = before.favourites.filter(({ name }) => name === request.name);
      const others = before.favourites.filter(({ name }) => name !== request.name);
      const at = others.findIndex(({ name }) => name === request.before);
      return { ...after, favourites: others.toSpliced(at < 0 ? others.length : at, 0, ...moved) };
    }
    case 'remove':
      return { ...after, favourites: before.favourites.filter(({ name }) => name !== request.name) };
    case 'signOut':
      return { ...after, accounts: before.accounts.filter(({ name }) => name !== request.name) };
    case 'cancelSignIn':
      return { ...after, signIn: null };
    case 'signIn':
      return { ...after, signIn: { number: after.revision, account: request.name ?? null, then: request.then ?? null, stage: { kind: 'beginning' } } };
    case 'setClientId':
      return { ...after, signInWays: { ...before.signInWays, clientId: request.clientId } };
    case 'setDefaultAccount':
      return { ...after, accounts: before.accounts.map((account) => ({ ...account, isDefault: account.name === request.account })) };
    case 'actAs':
    case 'findVms':
    case 'readInventory':
    case 'inherited':
    case 'editDefaults':
    case 'set':
    case 'readAccounts':
    case 'readTeams':
    case 'bringTeamBack':
    case 'undo':
    case 'undoImport':
    case 'rights':
    case 'diagnose':
    case 'activityLog':
    case 'history':
    case 'exportHistory':
    case 'refresh':
    case 'showWindow':
      return after;
  }
}
