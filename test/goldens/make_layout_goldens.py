#!/usr/bin/env python3
"""Tiny MusicGens in other layouts than `tiny-musicgen`, and what transformers computes with them in float32 on CPU, eager attention.
usage: make_layout_goldens.py OUT_DIR   (venv: torch==2.8.0 transformers==4.57.6 safetensors)
sharded-stereo: bfloat16 in shards, 16-bit codes, left and right, T5's states as wide as the decoder.
half-mono: float16 in one file, three codebooks, gated T5, a feed-forward layer of another kind.
config-*.json: the shapes of the published models, as transformers writes them with all defaults and without."""
import json, math, os, sys, torch
from safetensors.torch import save_file
from transformers import (EncodecConfig, MusicgenConfig, MusicgenDecoderConfig, MusicgenForConditionalGeneration, MusicgenMelodyConfig,
                          MusicgenMelodyDecoderConfig, T5Config)

out = sys.argv[1]
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)


def randomise(model, seed):
    """Weights so large that logits are well away from zero, drawn in the order of their names."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            r = torch.randn(p.shape, generator=g)
            if name.endswith("original0"): p.copy_(1 + .2 * r)
            elif "lstm" in name: p.copy_(.3 * r)
            elif "norm" in name: p.copy_((1 + .1 * r) if name.endswith("weight") else .1 * r)
            elif p.dim() == 1: p.copy_(.1 * r)
            elif "embed_tokens" in name or "shared" in name: p.copy_(.5 * r)
            else: p.copy_(r * 1.2 / math.sqrt(p.shape[-1]))
        for name, b in sorted(model.named_buffers()):
            if name.endswith("codebook.embed"): b.copy_(torch.randn(b.shape, generator=g))


def layout(name, config, dtype, max_shard_size, words, positions, frames):
    """Saves the model in `dtype` and writes what it computes once it is loaded from there as float32."""
    torch.manual_seed(0)
    model = MusicgenForConditionalGeneration(config)
    randomise(model, 1)
    pad = config.decoder.vocab_size
    gc = model.generation_config
    gc.pad_token_id = gc.bos_token_id = gc.decoder_start_token_id = pad
    folder = os.path.join(out, name)
    model.to(dtype).save_pretrained(folder, max_shard_size=max_shard_size)
    os.remove(os.path.join(folder, "generation_config.json"))

    model = MusicgenForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    gc = model.generation_config
    gc.pad_token_id = gc.bos_token_id = gc.decoder_start_token_id = pad
    K, C = config.decoder.num_codebooks, config.decoder.audio_channels
    gi = torch.Generator().manual_seed(2)
    rows = len(words)
    mask = torch.zeros(rows, max(words), dtype=torch.long)
    for row, length in enumerate(words): mask[row, :length] = 1
    ids = torch.randint(1, config.text_encoder.vocab_size, mask.shape, generator=gi) * mask
    dec_in = torch.randint(0, pad + 1, (rows * K, positions), generator=gi)
    with torch.no_grad(): o = model(input_ids=ids, attention_mask=mask, decoder_input_ids=dec_in, use_cache=False)
    tensors = {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": dec_in, "encoder_last_hidden_state": o.encoder_last_hidden_state, "logits": o.logits}

    streams = []
    decode = model.audio_encoder.decode
    def spy(codes, *a, **k):
        streams.append(codes[0].clone())
        return decode(codes, *a, **k)
    model.audio_encoder.decode = spy
    for guidance in (1.0, 3.0):
        streams.clear()
        r = model.generate(input_ids=ids, attention_mask=mask, max_length=frames + K // C, do_sample=False, guidance_scale=guidance,
                           return_dict_in_generate=True, output_scores=True)
        # left and right codebooks alternate: [rows, K / C, frames] of each channel -> [rows, K, frames]
        codes = torch.stack(streams, dim=2).reshape(rows, K, -1)
        tensors[f"greedy.g{int(guidance)}.codes"] = codes
        tensors[f"greedy.g{int(guidance)}.audio"] = r.sequences
        scores = torch.stack(r.scores).sort(-1, descending=True).values
        print(name, tuple(codes.shape), "smallest margin", float((scores[..., 0] - scores[..., 1]).min()), "different codes", len(codes.unique()))
    save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, os.path.join(out, f"{name}.safetensors"))


def encodec(ratios, codebooks, size, **kw):
    rate = 50 * math.prod(ratios)
    config = dict(target_bandwidths=[codebooks * 50 * math.ceil(math.log2(size)) / 1000], sampling_rate=rate, audio_channels=1, normalize=False, hidden_size=4, num_filters=2,
                  num_residual_layers=1, upsampling_ratios=ratios, codebook_size=size, codebook_dim=4, num_lstm_layers=1, use_causal_conv=False, use_conv_shortcut=False)
    return EncodecConfig(**{**config, **kw})


def musicgen(t5, codec, decoder, kind=MusicgenConfig):
    return kind(text_encoder=t5.to_dict(), audio_encoder=codec.to_dict(), decoder=decoder.to_dict())


def decoder(vocab, kind=MusicgenDecoderConfig, **kw):
    return kind(vocab_size=vocab, pad_token_id=vocab, bos_token_id=vocab, **kw)


layout("sharded-stereo", musicgen(
    T5Config(vocab_size=40, d_model=12, d_kv=6, d_ff=20, num_layers=2, num_heads=3, relative_attention_num_buckets=8, relative_attention_max_distance=16, dropout_rate=0.0),
    encodec([3, 2], 4, 512),
    decoder(512, hidden_size=12, num_hidden_layers=3, num_attention_heads=3, ffn_dim=20, num_codebooks=8, audio_channels=2, max_position_embeddings=40)),
    torch.bfloat16, "90KB", words=[4], positions=5, frames=6)
layout("half-mono", musicgen(
    T5Config(vocab_size=30, d_model=10, d_kv=4, d_ff=16, num_layers=1, num_heads=2, feed_forward_proj="gated-gelu", relative_attention_num_buckets=8, relative_attention_max_distance=16, dropout_rate=0.0),
    encodec([2, 2], 3, 32, use_causal_conv=True),
    decoder(32, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, ffn_dim=24, num_codebooks=3, max_position_embeddings=32, activation_function="gelu_new")),
    torch.float16, "1GB", words=[5, 3], positions=6, frames=8)

# ---------- the published models' configurations
t5_base = T5Config(vocab_size=32128, d_model=768, d_kv=64, d_ff=3072, num_layers=12, num_heads=12)
codec = EncodecConfig(target_bandwidths=[2.2], sampling_rate=32000, audio_channels=1, normalize=False, hidden_size=128, num_filters=64, num_residual_layers=1,
                      upsampling_ratios=[8, 5, 4, 4], use_causal_conv=False, codebook_size=2048, codebook_dim=128, use_conv_shortcut=False)
SHAPES = {"small": (24, 16, 1024, 4096), "medium": (48, 24, 1536, 6144), "large": (48, 32, 2048, 8192)}
configs = {}
for size, (layers, heads, hidden, ffn) in SHAPES.items():
    shape = dict(num_hidden_layers=layers, num_attention_heads=heads, hidden_size=hidden, ffn_dim=ffn)
    for stereo in (False, True):
        config = musicgen(t5_base, codec, decoder(2048, **shape, num_codebooks=8 if stereo else 4, audio_channels=2 if stereo else 1))
        configs[("stereo-" if stereo else "") + size] = config
configs["melody"] = musicgen(t5_base, codec, decoder(2048, MusicgenMelodyDecoderConfig, num_hidden_layers=48, num_attention_heads=24, hidden_size=1536, ffn_dim=6144), MusicgenMelodyConfig)
json.dump({name: {"full": config.to_dict(), "diff": json.loads(config.to_json_string(use_diff=True))} for name, config in configs.items() if name in ("small", "melody", "stereo-large")} |
          {name: {"diff": json.loads(config.to_json_string(use_diff=True))} for name, config in configs.items() if name not in ("small", "melody", "stereo-large")},
          open(os.path.join(out, "published-configs.json"), "w"), separators=(",", ":"), default=str)
