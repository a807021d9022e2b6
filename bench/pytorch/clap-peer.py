"""LAION-CLAP's audio network at full size in PyTorch, to measure ours against: HTSAT unfused with random weights.

usage: clap-peer.py export FOLDER            writes FOLDER/config.json, preprocessor_config.json and onnx/audio_model.onnx
       clap-peer.py hear WAVE THREADS TIMES  ten seconds of sound, safetensors with `wave` [480000], on so many threads

Prints one JSON line. Needs Python 3.9 and `pip install torch "transformers<5"`; nothing else.
"""

import json
import os
import sys
import time
import warnings

warnings.filterwarnings("ignore")
try:
    import torch
    import transformers
    from safetensors.torch import load_file
    from transformers import ClapAudioConfig, ClapAudioModelWithProjection, ClapConfig, ClapFeatureExtractor, ClapTextConfig
except ImportError as error:
    print(json.dumps({"missing": str(error)}))
    sys.exit(0)

PROJECTION = 512


def network(**options):
    torch.manual_seed(0)
    return ClapAudioModelWithProjection._from_config(ClapAudioConfig(projection_dim=PROJECTION), **options).eval().requires_grad_(False)


def extractor():
    return ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad")


class Embedding(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_features):
        return self.model(input_features=input_features).audio_embeds


def export(folder):
    os.makedirs(os.path.join(folder, "onnx"), exist_ok=True)
    audio = ClapAudioConfig(projection_dim=PROJECTION)
    ClapConfig(audio_config=audio.to_dict(), text_config=ClapTextConfig().to_dict(), projection_dim=PROJECTION).save_pretrained(folder)
    extractor().save_pretrained(folder)
    model = network(attn_implementation="eager")
    torch.onnx.export(
        Embedding(model), (torch.zeros(1, 1, 1001, 64),), os.path.join(folder, "onnx", "audio_model.onnx"), opset_version=17, dynamo=False,
        input_names=["input_features"], output_names=["audio_embeds"], dynamic_axes={"input_features": {0: "b"}, "audio_embeds": {0: "b"}},
    )
    return {"parameters": sum(p.numel() for p in model.parameters())}


def timed(times, work):
    took = []
    for _ in range(times):
        started = time.perf_counter()
        result = work()
        took.append(1000 * (time.perf_counter() - started))
    return result, took


@torch.inference_mode()
def hear(path, threads, times):
    torch.set_num_threads(threads)
    wave = load_file(path)["wave"].numpy()
    prepare, model = extractor(), network()
    extract = lambda: prepare(wave, sampling_rate=48_000, return_tensors="pt")["input_features"].float()
    embed = lambda features: model(input_features=features).audio_embeds
    embed(extract())
    features, features_ms = timed(times, extract)
    embedding, network_ms = timed(times, lambda: embed(features))
    _, ms = timed(times, lambda: embed(extract()))
    versions = f"{torch.__version__}, transformers {transformers.__version__}"
    return {"torch": versions, "ms": ms, "features_ms": features_ms, "network_ms": network_ms, "features": features[0, 0, ::25].flatten().tolist(), "embedding": embedding[0].tolist()}


if sys.argv[1] == "export":
    print(json.dumps(export(sys.argv[2])))
else:
    print(json.dumps(hear(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
