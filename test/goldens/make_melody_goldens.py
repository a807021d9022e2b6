#!/usr/bin/env python3
"""Tiny MusicGens of the melody kind, what transformers and PEFT compute with them in float32 on CPU, eager attention, and the
chroma of sounds. usage: make_melody_goldens.py OUT_DIR   (torch==2.8.0 torchaudio==2.8.0 transformers==4.57.6 peft==0.17.1 safetensors)
mono: three codebooks, five pitch classes, both projections, heard as shorter and as longer than the model's chroma.
stereo: left and right; text and chroma as wide as the decoder, so that neither is projected; a feed-forward layer of another kind.
Generation is without a cache: with one, transformers 4.57 loses what the music is told before the first step."""
import json, math, os, sys, torch
import peft
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import EncodecConfig, MusicgenMelodyConfig, MusicgenMelodyDecoderConfig, MusicgenMelodyFeatureExtractor, MusicgenMelodyForConditionalGeneration, T5Config

out = sys.argv[1]
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
T5 = dict(d_kv=4, d_ff=12, num_layers=1, num_heads=2, relative_attention_num_buckets=8, relative_attention_max_distance=16, dropout_rate=0.0)


def encodec(ratios, codebooks, size):
    return EncodecConfig(target_bandwidths=[codebooks * 50 * math.ceil(math.log2(size)) / 1000], sampling_rate=50 * math.prod(ratios), audio_channels=1, normalize=False, hidden_size=4,
                         num_filters=2, num_residual_layers=1, upsampling_ratios=ratios, codebook_size=size, codebook_dim=4, num_lstm_layers=1, use_causal_conv=False, use_conv_shortcut=False)


def one_hot(classes, bins):
    return torch.nn.functional.one_hot(torch.tensor(classes), bins).float()


def melody_model(name, t5, codec, decoder, chroma, words, positions, frames, melodies):
    torch.manual_seed(0)
    config = MusicgenMelodyConfig(text_encoder=t5.to_dict(), audio_encoder=codec.to_dict(), decoder=decoder.to_dict(), **chroma)
    model = MusicgenMelodyForConditionalGeneration(config)
    model.set_attn_implementation("eager")
    pad, K, C, rows = decoder.vocab_size, decoder.num_codebooks, decoder.audio_channels, len(words)
    g = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for key, p in sorted(model.named_parameters()):
            r = torch.randn(p.shape, generator=g)
            if key.endswith("original0"): p.copy_(1 + .2 * r)
            elif "lstm" in key: p.copy_(.3 * r)
            elif "norm" in key: p.copy_((1 + .1 * r) if key.endswith("weight") else .1 * r)
            elif p.dim() == 1: p.copy_(.3 * r)
            elif "embed_tokens" in key or "shared" in key: p.copy_(.7 * r)
            elif "audio_enc_to_dec_proj" in key: p.copy_(r)
            else: p.copy_(r * 1.6 / math.sqrt(p.shape[-1]))
        for key, b in sorted(model.named_buffers()):
            if key.endswith("codebook.embed"): b.copy_(torch.randn(b.shape, generator=g))
    gc = model.generation_config
    gc.pad_token_id = gc.bos_token_id = gc.decoder_start_token_id = pad
    folder = os.path.join(out, name)
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "generation_config.json"))
    model.eval()

    mask = torch.zeros(rows, max(words), dtype=torch.long)
    for row, length in enumerate(words): mask[row, :length] = 1
    ids = torch.randint(1, t5.vocab_size, mask.shape, generator=g) * mask
    told = dict(input_ids=ids, attention_mask=mask)
    heard = one_hot(melodies, config.num_chroma)                            # [rows, frames, bins]
    tensors = {"input_ids": ids, "attention_mask": mask, "melody": heard}
    dec_in = tensors["decoder_input_ids"] = torch.randint(0, pad + 1, (rows * K, positions), generator=g)
    with torch.no_grad():
        tensors["encoder_last_hidden_state"] = model.text_encoder(**told).last_hidden_state
        for kind, more in (("", {}), ("melody.", {"input_features": heard})):
            o = model(**told, **more, decoder_input_ids=dec_in, use_cache=False, output_hidden_states=True)
            tensors[f"{kind}logits"] = o.logits[:, -positions:]
            tensors[f"{kind}hidden.last"] = o.hidden_states[-1]

    streams = []
    decode = model.audio_encoder.decode
    def spy(codes, *a, **k):
        streams.append(codes[0].clone())
        return decode(codes, *a, **k)
    model.audio_encoder.decode = spy
    for kind, guidance, more in (("greedy.g1", 1.0, {}), ("greedy.g3", 3.0, {}), ("melody.g1", 1.0, {"input_features": heard}), ("melody.g3", 3.0, {"input_features": heard})):
        streams.clear()
        r = model.generate(**told, **more, max_length=frames + K // C, do_sample=False, guidance_scale=guidance, use_cache=False, return_dict_in_generate=True, output_scores=True)
        codes = tensors[f"{kind}.codes"] = torch.stack(streams, dim=2).reshape(rows, K, -1)  # left and right codebooks alternate
        scores = torch.stack(r.scores).sort(-1, descending=True).values
        print(name, kind, tuple(codes.shape), "smallest margin", float((scores[..., 0] - scores[..., 1]).min()), "different codes", len(codes.unique()))
    tensors["greedy.g3.audio"] = model.generate(**told, max_length=frames + K // C, do_sample=False, guidance_scale=3.0, use_cache=False)
    model.audio_encoder.decode = decode

    # ---------- training: an adapter of every linear layer, labels of unequal clips, each row told a melody
    width = K // C
    labels = torch.full((rows, K, frames + width - 1), -100)
    codes = torch.randint(0, pad, (rows, K, frames), generator=g)
    for row in range(rows):
        for k in range(K): labels[row, k, k // C:k // C + frames - 2 * row] = codes[row, k, :frames - 2 * row]
    tensors["labels"] = labels = labels.transpose(1, 2).contiguous()
    with torch.no_grad(): tensors["loss"] = model(**told, labels=labels, use_cache=False).loss
    model = get_peft_model(model, LoraConfig(r=2, lora_alpha=3, lora_dropout=0.0, bias="none", use_rslora=True,
        target_modules=r".*decoder\.model\.decoder\.layers\.\d+\.(self_attn\.(q_proj|k_proj|v_proj|out_proj)|fc1|fc2)|.*enc_to_dec_proj"))
    with torch.no_grad():
        for key, p in model.named_parameters():
            if "lora_B" in key: p.copy_(.1 * torch.randn(p.shape, generator=g))
            elif "lora_A" in key: p.copy_(torch.randn(p.shape, generator=g) / math.sqrt(p.shape[1]))
    tensors.update({f"init/{k}": v.detach().clone() for k, v in peft.get_peft_model_state_dict(model).items()})
    params = [p for p in model.parameters() if p.requires_grad]
    adamw = torch.optim.AdamW(params, lr=1e-2, betas=(.9, .95), eps=1e-8, weight_decay=.1)
    losses = []
    for step in range(3):
        adamw.zero_grad()
        loss = model(**told, input_features=heard, labels=labels, use_cache=False).loss
        loss.backward()
        losses.append(loss.item())
        if step == 0: tensors.update({f"grad/{k.replace('.default', '')}": p.grad.clone() for k, p in model.named_parameters() if p.requires_grad})
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        adamw.step()
    tensors["losses"] = torch.tensor(losses)
    print(name, "losses", losses)
    save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, os.path.join(out, f"{name}.safetensors"))


melody_model("mono", T5Config(vocab_size=24, d_model=10, **T5), encodec([2, 2], 3, 32),
             MusicgenMelodyDecoderConfig(vocab_size=32, pad_token_id=32, bos_token_id=32, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, ffn_dim=24, num_codebooks=3,
                                         max_position_embeddings=64, dropout=0.0),
             dict(num_chroma=5, chroma_length=7), words=[5, 3], positions=6, frames=9, melodies=[[0, 3, 3], [4, 1, 2]])
melody_model("stereo", T5Config(vocab_size=24, d_model=12, **T5), encodec([3, 2], 2, 16),
             MusicgenMelodyDecoderConfig(vocab_size=16, pad_token_id=16, bos_token_id=16, hidden_size=12, num_hidden_layers=1, num_attention_heads=3, ffn_dim=20, num_codebooks=4,
                                         audio_channels=2, max_position_embeddings=64, dropout=0.0, activation_function="gelu_new"),
             dict(num_chroma=12, chroma_length=4), words=[2, 4, 1], positions=5, frames=8, melodies=[[0, 3, 3, 7, 9, 1], [4, 1, 2, 11, 0, 0], [5, 5, 6, 6, 5, 5]])


# ---------- chroma: three notes one after the other, gliding a little, over a tone that beats, in float64 and then float32
def sound(samples, rate, root):
    t = torch.arange(samples, dtype=torch.float64) / rate
    note = torch.floor(3 * torch.arange(samples, dtype=torch.float64) / samples)
    pitch = root * 2 ** ((note * 5 + .2 * t) / 12)
    return (.4 * torch.sin(2 * math.pi * pitch * t) + .1 * torch.sin(2 * math.pi * 1.49 * root * t) + .05 * torch.sin(12345.678 * torch.arange(samples, dtype=torch.float64) ** 2)).float()


tensors, cases = {}, []
for n, (samples, rate, root, bins, n_fft, hop) in enumerate([(40000, 32000, 220.0, 12, 16384, 4096), (9001, 32000, 330.0, 12, 16384, 4096), (3000, 4000, 110.0, 12, 1024, 256),
                                                              (3000, 4000, 150.0, 5, 512, 100), (2049, 4000, 200.0, 24, 2048, 512), (2000, 4000, 90.0, 7, 256, 256)]):
    extract = MusicgenMelodyFeatureExtractor(feature_size=bins, sampling_rate=rate, hop_length=hop, n_fft=n_fft, num_chroma=bins)
    kept = []
    spectrogram = extract.spectrogram
    extract.spectrogram = lambda wave: kept.append(spectrogram(wave)) or kept[-1]
    features = extract([sound(samples, rate, root).numpy()], sampling_rate=rate, return_tensors="pt").input_features[0]
    energy = torch.einsum("cf,ft->tc", extract.chroma_filters, kept[0][0])
    top = energy.sort(-1, descending=True).values
    print("chroma", n, tuple(features.shape), "closest", float((top[:, 1] / top[:, 0]).max()), features.argmax(-1).tolist())
    tensors.update({f"{n}.onehot": features, f"{n}.energy": energy / top[:, :1]})
    cases.append({"samples": samples, "rate": rate, "root": root, "bins": bins, "n_fft": n_fft, "hop": hop})
save_file({k: v.contiguous().clone() for k, v in tensors.items()}, os.path.join(out, "chroma.safetensors"))
json.dump(cases, open(os.path.join(out, "chroma.json"), "w"), indent=1)
