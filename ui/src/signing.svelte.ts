import { accountNamed, isInteractive, isOwn, type SignInAim } from './accounts';
import type { FailureView } from './bindings/FailureView';
import type { SignIn } from './bindings/SignIn';
import type { SignInView } from './bindings/SignInView';
import type { Snapshot } from './bindings/Snapshot';
import type { Problem } from './engine';
import type { View } from './view.svelte';
import { words } from './words';

/** The way to a sign-in: what is asked for, whether the form is open, and the card that tells how it goes. */
export class Signing {
  /** The aim that the form is open for. */
  aim = $state.raw<SignInAim | null>(null);
  #watched = $state<string | null>(null);
  /** The last wish of this window, to make it once more, and the number of its sign-in. */
  #begun: { wish: SignIn; number: number } | null = null;
  /** The sign-in that was last seen under way, and the process that has its page. */
  #underWay: { number: number; host: number } | null = null;

  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  /** The sign-in to show: one under way, or the end of one that was seen under way. An older one's end is no news. */
  shown = $derived.by<SignInView | null>(() => {
    const snapshot = this.#view.snapshot;
    const signIn = snapshot?.signIn;
    if (!snapshot || !signIn) return null;
    return isUnderWay(signIn) || keyOf(snapshot, signIn) === this.#watched ? signIn : null;
  });

  /** Takes note of what a snapshot tells. A sign-in that has led on makes room for what it led to. */
  see(snapshot: Snapshot): void {
    const { signIn, host } = snapshot;
    const lost = this.#underWay;
    this.#underWay = null;
    if (!signIn) {
      // Its page went with the process that had it. Whose it is may have been answered after it was seen.
      if (lost && lost.host !== host.pid && this.#begun?.number === lost.number) {
        this.#view.note = { text: words.signInBeginsAnew };
        void this.#beginOrTell(this.#begun.wish);
      }
      return;
    }
    if (isUnderWay(signIn)) {
      this.#watched = keyOf(snapshot, signIn);
      this.#underWay = { number: signIn.number, host: host.pid };
    } else if (signIn.stage.kind === 'done' && keyOf(snapshot, signIn) === this.#watched && hasLedOn(snapshot, signIn)) {
      const { name, kept } = signIn.stage;
      this.#watched = null;
      // What led on stands in sight: why the sign-in does not last is with the account.
      const why = { label: words.accounts, run: () => this.#view.turnTo('accounts') };
      const more = kept.place === 'memoryOnly' ? { more: words.untilAjarEnds, act: why } : {};
      this.#view.note = { text: words.signedInAs(name), ...more };
    }
  }

  /** Leads to a sign-in by as few questions as are open: none where account or application say all that it takes. */
  lead(aim: SignInAim): void {
    const snapshot = this.#view.snapshot;
    const account = snapshot && aim.account !== undefined ? accountNamed(snapshot.accounts, aim.account) : undefined;
    if (account && isInteractive(account.method)) {
      void this.#beginOrTell({ ...aimed(aim), name: account.name, method: aim.method ?? account.method });
      return;
    }
    // What another program signs in is no account to sign in to here; one that is gone gives its name to the next.
    const name = account || aim.account === undefined || !isOwn({ name: aim.account }) ? undefined : aim.account;
    if (snapshot?.signInWays.clientId) {
      void this.#beginOrTell({ ...aimed(aim), ...(name === undefined ? {} : { name }), method: 'browser' });
    } else {
      this.openForm({ ...aim, account: name });
    }
  }

  openForm(aim: SignInAim = {}): void {
    this.aim = aim;
    void this.#view.ask({ ask: 'readAccounts' });
  }

  closeForm(): void {
    this.aim = null;
  }

  /** Begins a sign-in; what is refused comes back. */
  async begin(wish: SignIn): Promise<Problem | null> {
    const answered = await this.#view.answerTo({ ask: 'signIn', ...wish });
    if ('problem' in answered) return answered.problem;
    if (answered.reply.answer === 'signingIn') this.#begun = { wish, number: answered.reply.number };
    return null;
  }

  async #beginOrTell(wish: SignIn): Promise<void> {
    const problem = await this.begin(wish);
    if (problem?.code === 'noClientId') this.openForm({ ...aimOf(wish), applicationProblem: problem });
    else if (problem) this.#view.tell(problem);
  }

  /** The sign-in that failed once more, by another way if that is why it failed. */
  again(signIn: SignInView, failure: FailureView): void {
    const begun = this.#begun?.number === signIn.number ? this.#begun.wish : null;
    const account = begun?.name ?? signIn.account ?? undefined;
    const aim: SignInAim = { ...(begun ? aimOf(begun) : {}), account };
    if (failure.code === 'noClientId' || failure.code === 'clientUnknown') {
      this.openForm({ ...aim, applicationProblem: failure });
    } else if (begun) {
      void this.#beginOrTell({ ...begun, method: failure.code === 'conditionalAccess' ? 'browser' : begun.method });
    } else {
      this.lead(aim);
    }
  }

  /** Gives the sign-in under way up, or puts away what came of it. */
  async leave(): Promise<void> {
    this.#watched = null;
    // Whoever cancels while the host goes away does not want it of the next one.
    this.#begun = null;
    const problem = await this.#view.ask({ ask: 'cancelSignIn' });
    if (problem) this.#view.tell(problem);
  }
}

function isUnderWay({ stage }: SignInView): boolean {
  return stage.kind === 'beginning' || stage.kind === 'browser' || stage.kind === 'deviceCode';
}

/** A new host counts from one again. */
function keyOf({ host }: Snapshot, { number }: SignInView): string {
  return `${host.pid}:${number}`;
}

/** Whether what was signed in for is under way, or has come to its end already. */
function hasLedOn({ attempts }: Snapshot, { then }: SignInView): boolean {
  return attempts.some(({ name, outcome }) => (then === null ? outcome === null : name === then));
}

function aimed({ then, cloud }: SignInAim): Pick<SignIn, 'then' | 'cloud'> {
  return { ...(then === undefined ? {} : { then }), ...(cloud === undefined ? {} : { cloud }) };
}

/** What a wish was about, to be asked for once more in the form. */
function aimOf({ name, then, cloud, tenant }: SignIn): SignInAim {
  return { account: name, then, cloud, tenant };
}
