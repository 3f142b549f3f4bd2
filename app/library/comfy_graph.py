"""How a picture was made, read off a graph of ComfyUI: the nodes that lead to its sampler.

The graph is ComfyUI's API form: {id: {"class_type", "inputs": {name: value or [id, output]}}}.
Owns the walk. Nodes of other authors are followed by the names of their inputs, as far as that
goes; what is met and not understood is listed by its class.
"""

from collections.abc import Iterator, Mapping

from app.library.image_metadata import PictureMetadata
from app.library.made_by import MadeBy, items_of, weighted

Node = Mapping[str, object]

MOST_NODES = 10_000
SAMPLER_MARK = "KSampler"
TEXT_INPUTS = ("text", "string", "value", "prompt", "text_g", "text_l", "text1", "text_1")
EMPTY_LATENT = "Latent"  # EmptyLatentImage and its relatives have width and height of their own
COMFY = MadeBy(
    program="ComfyUI",
    names={
        "prompt": "prompt",
        "negative_prompt": "negative",
        "steps": "Steps",
        "cfg": "CFG scale",
        "seed": "Seed",
        "noise_seed": "Seed",
        "width": "width",
        "height": "height",
        "sampler_name": "Sampler",
        "scheduler": "Schedule type",
        "denoise": "Denoising strength",
        "ckpt_name": "Model",
        "unet_name": "Model",
        "vae_name": "VAE",
        "stop_at_clip_layer": "clip layer",
        "LoRA": "LoRA",
    },
)
SAMPLER_INPUTS = ("steps", "cfg", "seed", "noise_seed", "sampler_name", "scheduler")
UNDERSTOOD = (
    *("KSampler", "CLIPTextEncode", "CheckpointLoader", "UNETLoader", "VAELoader", "CLIPLoader"),
    *("LoraLoader", "CLIPSetLastLayer", "Latent", "VAEDecode", "VAEEncode", "SaveImage"),
    *("PreviewImage", "LoadImage", "Primitive", "Seed", "Note", "Reroute"),
)


def read_comfy_graph(values: Mapping[str, object], text: str) -> PictureMetadata:
    """What a graph says; ValueError where it holds no sampler."""
    graph = _Graph(values)
    samplers = [key for key in graph.nodes if SAMPLER_MARK in graph.kind(key)]
    samplers = [key for key in samplers if graph.inputs(key).keys() >= {"positive"}]
    if not samplers:
        raise ValueError
    main = min(samplers, key=lambda key: not _begins_empty(graph, key))
    found: dict[str, object] = {
        "prompt": _prompt(graph, main, "positive"),
        "negative_prompt": _prompt(graph, main, "negative"),
        **{name: graph.plain(main, name) for name in SAMPLER_INPUTS},
    }
    found |= _model(graph, main)
    if _begins_empty(graph, main):
        found |= _size(graph, main)
    else:
        found["denoise"] = graph.plain(main, "denoise")
    for key in samplers:
        if key != main:
            found[f"A further pass ({graph.kind(key)})"] = graph.plain(key, "steps") or "?"
    for key in graph.nodes:
        kind = graph.kind(key)
        if not any(mark in kind for mark in UNDERSTOOD):
            found.setdefault(f"Node {kind}", "not followed")
    return items_of(COMFY, found, text)


class _Graph:
    """The nodes of a graph, read with distrust: nothing is missing here, it is only empty."""

    def __init__(self, values: Mapping[str, object]) -> None:
        if len(values) > MOST_NODES:
            raise ValueError
        self.nodes: dict[str, Node] = {
            key: node for key, node in values.items() if isinstance(node, dict)
        }

    def kind(self, key: str) -> str:
        return str(self.nodes[key].get("class_type", ""))

    def inputs(self, key: str) -> Mapping[str, object]:
        inputs = self.nodes[key].get("inputs")
        return inputs if isinstance(inputs, dict) else {}

    def link(self, key: str, name: str) -> str | None:
        """The node that an input comes from."""
        value = self.inputs(key).get(name)
        if isinstance(value, list) and value and str(value[0]) in self.nodes:
            return str(value[0])
        return None

    def plain(self, key: str, name: str) -> object:
        """The value of an input, also where a node that holds one value is linked to it."""
        for _ in range(len(self.nodes)):
            value = self.inputs(key).get(name)
            if not isinstance(value, list):
                return None if isinstance(value, dict) else value
            linked = self.link(key, name)
            if linked is None:
                return None
            names = (name, *TEXT_INPUTS, "seed", "int", "float")
            key, name = linked, next((n for n in names if n in self.inputs(linked)), "")
        return None

    def upstream(self, key: str, name: str) -> Iterator[str]:
        """The nodes that an input depends on, the nearest first, each once."""
        first = self.link(key, name)
        waiting = [first] if first else []
        seen: set[str] = set()
        while waiting:
            node = waiting.pop(0)
            if node in seen:
                continue
            seen.add(node)
            yield node
            links = (self.link(node, each) for each in self.inputs(node))
            waiting += [link for link in links if link]


def _begins_empty(graph: _Graph, sampler: str) -> bool:
    """Whether a sampler begins from noise of a size, not from a picture or another sampler."""
    kinds = [graph.kind(key) for key in graph.upstream(sampler, "latent_image")]
    return not any("VAEEncode" in kind or SAMPLER_MARK in kind for kind in kinds)


def _prompt(graph: _Graph, sampler: str, name: str) -> str:
    """The texts that lead to an input, those of several encoders in lines of their own."""
    texts: list[str] = []
    for key in graph.upstream(sampler, name):
        if "TextEncode" in graph.kind(key):
            values = (graph.plain(key, each) for each in TEXT_INPUTS)
            texts += [value for value in values if isinstance(value, str) and value]
    return "\n".join(dict.fromkeys(texts))


def _model(graph: _Graph, sampler: str) -> dict[str, object]:
    """Model, LoRAs, clip skip and VAE: what stands on the way from the loader to the sampler."""
    found: dict[str, object] = {}
    loras = []
    for name in ("model", "positive"):
        for key in graph.upstream(sampler, name):
            inputs = graph.inputs(key)
            if "lora_name" in inputs:
                loras.append(weighted(inputs["lora_name"], inputs.get("strength_model")))
            for each in ("ckpt_name", "unet_name", "stop_at_clip_layer"):
                if each in inputs:
                    found.setdefault(each, graph.plain(key, each))
    for key in graph.nodes:
        if "vae_name" in graph.inputs(key):
            found.setdefault("vae_name", graph.plain(key, "vae_name"))
    return {**found, "LoRA": list(dict.fromkeys(loras))}


def _size(graph: _Graph, sampler: str) -> dict[str, object]:
    """Width and height of the empty latents."""
    for key in graph.upstream(sampler, "latent_image"):
        if EMPTY_LATENT in graph.kind(key):
            return {name: graph.plain(key, name) for name in ("width", "height")}
    return {}
