"""The language model in plain eager PyTorch, to measure ours against: the same maths, weights and batches.

Reads one JSON request a line on stdin and answers each with one JSON line on stdout, so that it can take turns with
another process. Files are safetensors. Needs Python 3.9 and `pip install torch`; nothing else.
"""

import json
import math
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError as error:
    print(json.dumps({"missing": str(error)}), flush=True)
    sys.exit(0)

DTYPES = {"F32": torch.float32, "I32": torch.int32}
EPSILON = 1e-5
MASKED = -1e9


def read_tensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        body = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, spec in header.items():
        begin, end = spec["data_offsets"]
        flat = torch.frombuffer(bytearray(body[begin:end]), dtype=DTYPES[spec["dtype"]])
        tensors[name] = flat.reshape(spec["shape"])
    return tensors


def sinusoidal_positions(count, size):
    half = size // 2
    speed = torch.exp(torch.arange(half) * -(math.log(10_000) / max(half - 1, 1)))
    angle = torch.arange(count)[:, None] * speed[None]
    return torch.cat([angle.cos(), angle.sin()], dim=1)  # [count, size]


class Model:
    def __init__(self, config, weights):
        decoder = config["decoder"]
        self.codebooks = decoder["numCodebooks"]
        self.vocabulary = decoder["vocabSize"]
        self.size = decoder["hiddenSize"]
        self.heads = decoder["numHeads"]
        self.layers = [f"decoder.model.decoder.layers.{i}" for i in range(decoder["numLayers"])]
        self.weights = weights
        self.positions = sinusoidal_positions(decoder["maxPositions"], self.size)
        self.adapter = {}
        self.scale = 0.0

    def linear(self, x, module):
        y = F.linear(x, self.weights[f"{module}.weight"])
        if module not in self.adapter:
            return y
        a, b = self.adapter[module]
        return y + F.linear(F.linear(x, a) * self.scale, b)

    def norm(self, x, name):
        return F.layer_norm(x, (self.size,), self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], EPSILON)

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)  # [B, T, D] -> [B, H, T, D / H]

    def keys_values(self, x, module):
        return self.split(self.linear(x, f"{module}.k_proj")), self.split(self.linear(x, f"{module}.v_proj"))

    def attend(self, x, module, keys_values, bias=None, causal=False):
        queries = self.split(self.linear(x, f"{module}.q_proj"))
        mixed = F.scaled_dot_product_attention(queries, *keys_values, attn_mask=bias, is_causal=causal)
        return self.linear(mixed.transpose(1, 2).reshape(x.shape), f"{module}.out_proj")

    def told(self, words, mask):
        """Keys and values of the text by layer, and what keeps attention off its padding."""
        states = F.embedding(words, self.weights["text_encoder.shared.weight"])
        text = F.linear(states, self.weights["enc_to_dec_proj.weight"], self.weights["enc_to_dec_proj.bias"])
        text = text * mask[:, :, None]
        bias = ((1 - mask) * MASKED)[:, None, None, :]
        return [self.keys_values(text, f"{layer}.encoder_attn") for layer in self.layers], bias

    def run(self, codes, told, cache=None, at=0):
        """codes [B, K, T] -> logits [B, T, K, V]; the cache, if any, holds what came before `at`."""
        cross, bias = told
        length = codes.shape[2]
        tables = [self.weights[f"decoder.model.decoder.embed_tokens.{k}.weight"] for k in range(self.codebooks)]
        x = sum(F.embedding(codes[:, k], table) for k, table in enumerate(tables)) + self.positions[at : at + length]
        for i, layer in enumerate(self.layers):
            normed = self.norm(x, f"{layer}.self_attn_layer_norm")
            own = self.keys_values(normed, f"{layer}.self_attn")
            if cache is not None:
                for kept, new in zip(cache[i], own):
                    kept[:, :, at : at + length] = new
                own = [kept[:, :, : at + length] for kept in cache[i]]
            x = x + self.attend(normed, f"{layer}.self_attn", own, causal=cache is None)
            x = x + self.attend(self.norm(x, f"{layer}.encoder_attn_layer_norm"), f"{layer}.encoder_attn", cross[i], bias)
            hidden = F.gelu(self.linear(self.norm(x, f"{layer}.final_layer_norm"), f"{layer}.fc1"))
            x = x + self.linear(hidden, f"{layer}.fc2")
        x = self.norm(x, "decoder.model.decoder.layer_norm")
        heads = torch.cat([self.weights[f"decoder.lm_heads.{k}.weight"] for k in range(self.codebooks)])
        return F.linear(x, heads).view(*x.shape[:2], self.codebooks, self.vocabulary)


class Training:
    def __init__(self, request):
        weights = read_tensors(request["weights"])
        self.model = Model(request["config"], weights)
        self.batch = read_tensors(request["batch"])
        self.codes = self.batch["ids"].transpose(0, 1).contiguous()
        self.labels = self.batch["labels"].long()
        if "lora" in request:
            parameters = self.adapt(request["lora"])
        else:
            parameters = list(weights.values())
        for parameter in parameters:
            parameter.requires_grad_(True)
        hyper = request["hyper"]
        rate, betas, decay = hyper["learningRate"], tuple(hyper["betas"]), hyper["weightDecay"]
        self.optimizer = torch.optim.AdamW(parameters, lr=rate, betas=betas, weight_decay=decay, fused=True)

    def adapt(self, lora):
        tensors = read_tensors(lora["adapter"])
        prefix, suffix = "base_model.model.", ".lora_A.weight"
        for name, a in tensors.items():
            if name.endswith(suffix):
                module = name[len(prefix) : -len(suffix)]
                self.model.adapter[module] = (a, tensors[f"{prefix}{module}.lora_B.weight"])
        self.model.scale = lora["scale"]
        return list(tensors.values())

    def step(self):
        labels = self.labels
        logits = self.model.run(self.codes, self.model.told(self.batch["words"], self.batch["mask"]))
        losses = [F.cross_entropy(logits[:, :, k].flatten(0, 1), labels[:, :, k].flatten()) for k in range(labels.shape[2])]
        loss = sum(losses) / len(losses)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.item()


class Generation:
    def __init__(self, request):
        self.model = Model(request["config"], read_tensors(request["weights"]))
        text = read_tensors(request["text"])
        self.words, self.mask = text["words"], text["mask"]
        self.frames = request["frames"]

    @torch.inference_mode()
    def compose(self, temperature):
        """Codes [B, K, frames] with a key-value cache; temperature 0 takes the likeliest code."""
        model = self.model
        rows, codebooks, pad = self.words.shape[0], model.codebooks, model.vocabulary
        length = self.frames + codebooks - 1
        shape = (rows, model.heads, length, model.size // model.heads)
        cache = [(torch.empty(shape), torch.empty(shape)) for _ in model.layers]
        told = model.told(self.words, self.mask)
        delayed = torch.full((rows, codebooks, length + 1), pad, dtype=torch.int32)
        for at in range(length):
            logits = model.run(delayed[:, :, at : at + 1], told, cache, at)[:, 0]  # [B, K, V]
            first, last = max(0, at - self.frames + 1), min(codebooks, at + 1)  # codebooks that have a code here
            delayed[:, first:last, at + 1] = self.draw(logits[:, first:last], temperature)
        return torch.stack([delayed[:, k, 1 + k : 1 + k + self.frames] for k in range(codebooks)], dim=1)

    def draw(self, logits, temperature):
        if temperature == 0:
            # in steps of 1/1024, as ours, so that last bits do not decide
            return torch.round(logits * 1024).argmax(dim=-1).int()
        chances = F.softmax(logits / temperature, dim=-1).flatten(0, 1)
        return torch.multinomial(chances, 1).view(logits.shape[:2]).int()


def timed(times, work):
    results, took = [], []
    for _ in range(times):
        started = time.perf_counter()
        results.append(work())
        took.append(1000 * (time.perf_counter() - started))
    return results, took


def main():
    job = None
    print(json.dumps({"torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        kind = request["kind"]
        answer = {}
        if kind == "threads":
            torch.set_num_threads(request["threads"])
        elif kind == "train":
            job = Training(request)
        elif kind == "step":
            losses, took = timed(request["times"], job.step)
            answer = {"losses": losses, "ms": took}
        elif kind == "generation":
            job = Generation(request)
        elif kind == "compose":
            codes, took = timed(request["times"], lambda: job.compose(request["temperature"]))
            answer = {"codes": codes[-1].flatten().tolist(), "ms": took}
        else:
            answer = {"error": f"unknown request {kind}"}
        print(json.dumps(answer), flush=True)


main()
