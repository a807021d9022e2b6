/**
 * Fields that Hugging Face writes into the configuration of any model, by whatever version, and that change nothing in
 * what is computed: who wrote it, how to train, generate or report, and the defaults of other tasks. A reader leaves them
 * out before it refuses what it does not know, once it has looked at those that matter to its own kind, such as
 * `model_type` and `is_decoder`. Source: `PretrainedConfig` of transformers 4.57 and what earlier versions wrote.
 */
export const HARMLESS_FIELDS: ReadonlySet<string> = new Set([
  // who wrote it, and how it is held
  '_attn_implementation_autoset', '_commit_hash', '_name_or_path', 'architectures', 'dtype', 'model_type', 'name_or_path', 'tokenizer_class', 'torch_dtype',
  'transformers_version',
  // how a run goes and what it reports
  'chunk_size_feed_forward', 'gradient_checkpointing', 'output_attentions', 'output_hidden_states', 'output_scores', 'return_dict', 'return_dict_in_generate',
  'tf_legacy_loss', 'torchscript', 'use_bfloat16', 'use_cache', 'xla_device',
  // how weights begin
  'initializer_factor', 'initializer_range', 'tie_encoder_decoder', 'tie_word_embeddings',
  // which part of a larger model it is
  'add_cross_attention', 'cross_attention_hidden_size', 'is_composition', 'is_decoder', 'is_encoder_decoder',
  // other tasks
  'finetuning_task', 'id2label', 'label2id', 'num_labels', 'prefix', 'problem_type', 'task_specific_params',
  // tokens by which text is generated or batched
  'bos_token_id', 'decoder_start_token_id', 'eos_token_id', 'forced_bos_token_id', 'forced_eos_token_id', 'pad_token_id', 'sep_token_id',
  // how text is generated
  'bad_words_ids', 'begin_suppress_tokens', 'diversity_penalty', 'do_sample', 'early_stopping', 'encoder_no_repeat_ngram_size', 'exponential_decay_length_penalty',
  'length_penalty', 'max_length', 'min_length', 'no_repeat_ngram_size', 'num_beam_groups', 'num_beams', 'num_return_sequences', 'remove_invalid_values',
  'repetition_penalty', 'suppress_tokens', 'temperature', 'top_k', 'top_p', 'typical_p',
]);

/** The fields that a reader has to know: all but the harmless ones, and no `pruned_heads` where none is pruned. */
export const tellingFields = (config: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(config).filter(([name, value]) => !HARMLESS_FIELDS.has(name) && !(name === 'pruned_heads' && isEmpty(value))));

const isEmpty = (value: unknown): boolean => value === null || (typeof value === 'object' && Object.keys(value).length === 0);
