import type { ActivityLogView } from './bindings/ActivityLogView';
import type { ProfileName } from './bindings/ProfileName';
import type { Problem } from './engine';
import type { View } from './view.svelte';

/** A favourite whose part of Azure's Activity Log is read: what it has, or what kept it from being read. */
interface Asked {
  name: ProfileName;
  log?: ActivityLogView;
  problem?: Problem;
}

/** A week says who was there; nobody waits for three months. */
const DAYS = 7;

/** Who has opened or changed a favourite's VM, as Azure tells. */
export class Activity {
  /** The favourite that is asked about. */
  asked = $state.raw<Asked | null>(null);

  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  /** Reads the log, and shows it as long as nobody has turned away. */
  async read(name: ProfileName): Promise<void> {
    const asked: Asked = { name };
    this.asked = asked;
    const answered = await this.#view.answerTo({ ask: 'activityLog', name, days: DAYS });
    if (this.asked !== asked) return;
    if ('problem' in answered) this.asked = { name, problem: answered.problem };
    else if (answered.reply.answer === 'activityLog') this.asked = { name, log: answered.reply.log };
  }

  close(): void {
    this.asked = null;
  }
}
