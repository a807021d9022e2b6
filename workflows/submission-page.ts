import type { HeardClips } from '../activities/model/hear.ts';
import type { Submission } from '../activities/round.ts';
import type { Fetched } from '../activities/submission.ts';
import { factTable, grouped, literal, pageOf } from './markdown.ts';

/** Where a submission's evaluation has come to; what is not known yet is missing. */
export type SubmissionState = {
  readonly phase: 'fetch' | 'generate' | 'listen' | 'hear' | 'done';
  readonly submission: Submission;
  readonly fetched?: Fetched;
  readonly heard?: HeardClips;
  /** Bucket and prefix. */
  readonly clips?: string;
  readonly ended?: string;
};

/** A submission's line in the list of workflows. */
export const submissionSummary = (who: string, { commitBlock }: Submission): string => `${who} · commit of block ${grouped(commitBlock)}`;

/** One submission in a round as a page to read, Markdown. */
export function submissionPage({ phase, submission, fetched, clips, heard, ended }: SubmissionState): string {
  const facts = factTable([
    ['hotkey', literal(submission.hotkey)],
    ['adapter', fetched && `${grouped(Math.ceil(fetched.adapter.bytes / 1024))} KiB, content ${literal(fetched.digest)}, norm ${fetched.norm.toFixed(2)}`],
    ['clips', clips && literal(clips)],
    ['fit to the captions', heard && `cosine ${heard.quality.mean.toFixed(3)} ± ${heard.quality.standardError.toFixed(3)}`],
    ['outcome', ended && literal(ended)],
  ]);
  return pageOf([`**${phase}** · commit of block ${grouped(submission.commitBlock)}`, '', ...facts]);
}
