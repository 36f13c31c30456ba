"""``graph.yaml`` and the graph of the tests are valid, and errors name the file and the key."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ray.serve import Application
from ray.serve.schema import ServeDeploySchema

import serve_app
from deployments import names
from deployments.arguments import SecretaryArgs
from deployments.command.graph import Graph, read_graph
from deployments.contracts.errors import InvalidRequest
from deployments.engines.registry import EngineKind, EngineSpec, find_engine_class
from deployments.models.catalogue import load_catalogue
from tests.architecture.source_files import ROOT

GRAPHS = [ROOT / "graph.yaml", ROOT / "tests" / "serve" / "scripted_graph.yaml"]
every_graph = pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.name)


@pytest.mark.parametrize("path", [*ROOT.glob("graph*.yaml"), GRAPHS[-1]], ids=lambda path: path.name)
def test_graph_is_valid(path: Path) -> None:
    assert isinstance(read_graph(path).secretary_arguments(), SecretaryArgs)


@every_graph
def test_serve_reads_same_graph(path: Path) -> None:
    """``serve deploy`` takes the same file."""
    ours, text = read_graph(path), yaml.safe_load(path.read_text())
    theirs = ServeDeploySchema.parse_obj(text)
    assert [(a.name, a.route_prefix, a.import_path, a.args) for a in theirs.applications] == [
        (a.name, a.route_prefix, a.import_path, a.args) for a in ours.applications
    ]
    assert theirs.proxy_location.value == ours.proxy_location


def test_serve_deploy_listens_on_loopback() -> None:
    """The default of Serve is every interface."""
    options = ServeDeploySchema.parse_obj(yaml.safe_load((ROOT / "graph.yaml").read_text())).http_options
    assert (options.host, options.port) == ("127.0.0.1", 8002)


@every_graph
def test_graph_builds_every_application(path: Path) -> None:
    graph = read_graph(path)
    ingress = {names.SECRETARY_APP: names.GATEWAY, names.OFFICE_APP: names.OFFICE}
    ingress |= {names.PHONE_APP: names.PHONE, names.BOTS_APP: names.BOTS}
    for application in graph.applications:
        builder = getattr(serve_app, application.import_path.partition(":")[2])
        built = builder(graph.arguments(application))
        assert isinstance(built, Application)
        assert built._bound_deployment.name == ingress[application.name]


@every_graph
def test_graph_models_and_engine_options_exist(path: Path) -> None:
    graph = read_graph(path)
    for model_id in graph.model_ids():
        load_catalogue().get(model_id)
    for kind, spec in _engines(graph.secretary_arguments()):
        find_engine_class(kind, spec.engine).Options.model_validate(spec.options)


def _engines(args: SecretaryArgs) -> list[tuple[EngineKind, EngineSpec]]:
    found: list[tuple[EngineKind, EngineSpec]] = [("speech", spec) for voice in args.voices for spec in voice.engines]
    found += [("chat", chat.spec) for chat in args.chats]
    if args.recognition:
        found += [("recognition", spec) for spec in args.recognition.engines]
    return found


def write_graph(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def one_application(args: str = "{}", more: str = "", path: str = "serve_app:build_secretary") -> str:
    return f"applications: [{{name: secretary, route_prefix: /, import_path: '{path}', args: {args}{more}}}]"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("proxy_locaton: HeadOnly\n" + one_application(), "proxy_locaton: Extra inputs are not permitted"),
        ("http_options: {prot: 80}\n" + one_application(), "http_options.prot: Extra inputs are not permitted"),
        ("http_options: {port: 80000}\n" + one_application(), "http_options.port: Input should be less than"),
        (one_application(more=", arg: {}"), "applications.0.arg: Extra inputs are not permitted"),
        (one_application("{gatway: {}}"), "secretary.args.gatway: Extra inputs are not permitted"),
        (one_application("{gateway: {replica: 2}}"), "secretary.args.gateway.replica: Extra inputs"),
        (
            one_application("{gateway: {replicas: many}}"),
            "secretary.args.gateway.replicas: Input should be a valid int",
        ),
        (one_application("{gateway: {replicas: 0}}"), "secretary.args.gateway.replicas: Input should be greater than"),
        (one_application("{voices: [{engines: []}]}"), "secretary.args.voices.0.engines: Tuple should have at least 1"),
        (one_application("{voices: [{name: 'A B', engines: [{engine: tone}]}]}"), "secretary.args.voices.0.name"),
        (one_application("{chats: [{options: {}}]}"), "secretary.args.chats.0.engine: Field required"),
        (
            one_application("{recognition: {engine: transcript}}"),
            "secretary.args.recognition: engine: unknown key; write engines, a list, for example engines: [{engine: ",
        ),
        (one_application("{chats: [echo]}"), "secretary.args.chats.0: Input should be"),
        (
            one_application("{chat: {engine: echo}}"),
            "secretary.args.chat: unknown key; write chats, a list of models, for example chats: [{name: chat, ",
        ),
        (
            one_application("{staff: {chat: true}}", path="serve_app:build_bots"),
            "secretary.args.staff: chat: unknown key; write chats, a list of names, for example chats: [chat]",
        ),
        (one_application(path="serve_app:build_secretery"), "secretary: unknown import_path; known: serve_app:build_"),
        ("applications: [{name: secretary}]", "applications.0.route_prefix: Field required"),
        ("applications: []", "applications: Tuple should have at least 1 item"),
        ("{}", "applications: Field required"),
        ("", "file: Input should be a valid dictionary"),
        ("[1, 2]", "file: Input should be a valid dictionary"),
        ("applications: [", "not YAML"),
    ],
)
def test_graph_error_names_file_and_key(tmp_path: Path, text: str, place: str) -> None:
    path = write_graph(tmp_path, text)
    with pytest.raises(InvalidRequest) as caught:
        read_graph(path)
    assert caught.value.message.startswith(f"{path}: {place}")


@pytest.mark.parametrize(
    ("args", "place"),
    [
        ("{chats: [{engine: gpt}]}", "chats.0: unknown chat engine 'gpt'; known: echo, llama_cpp"),
        ("{chats: [{engine: llama_cpp}]}", "chats.0: engine llama_cpp: options.model: Field required; options are: b"),
        ("{chats: [{engine: echo, options: {delay: 1}}]}", "chats.0: engine echo: options.delay: Extra inputs are no"),
        ("{chats: [{engine: echo}, {engine: echo}]}", "chats: duplicate names: chat, chat; give each its own name"),
        ("{chats: [{engine: echo, name: faq}]}", "chats: another deployment is called faq; choose another name"),
        ("{chats: [{engine: echo, name: local}]}", "chats.0.name: local is the name of another route"),
        ("{chats: [{engine: echo}, {engine: echo, name: vllm}]}", "chats.1.name: vllm is the name of another route"),
        (
            "{chats: [{engine: echo, name: voice}], voices: [{engines: [{engine: tone}]}]}",
            "voices: another deployment is called voice",
        ),
        (
            "{voices: [{engines: [{engine: tone}, {engine: piper, options: {models: [], theads: 2}}]}]}",
            "voices.0.engines.1: engine piper: options.models: Tuple should have at least 1 item",
        ),
        (
            "{recognition: {engines: [{engine: faster_whisper, options: {model: x, beam_size: 0}}]}}",
            "recognition.engines.0: engine faster_whisper: options.beam_size: Input should be greater than",
        ),
        ("{voices: [{engines: [{engine: tone}]}, {engines: [{engine: tone}]}]}", "voices: duplicate names"),
    ],
)
def test_engine_options_checked_when_read_and_built(tmp_path: Path, args: str, place: str) -> None:
    path = write_graph(tmp_path, one_application(args))
    with pytest.raises(InvalidRequest) as read:
        read_graph(path)
    assert read.value.message.startswith(f"{path}: secretary.args.{place}")
    with pytest.raises(InvalidRequest) as built:
        serve_app.build_secretary(SecretaryArgs.model_validate(yaml.safe_load(args)))
    assert built.value.message.startswith(place)


@pytest.mark.parametrize("door", ["office", "bots"])
def test_office_and_bots_have_one_replica(tmp_path: Path, door: str) -> None:
    path = write_graph(tmp_path, one_application("{replicas: 2}", path=f"serve_app:build_{door}"))
    with pytest.raises(InvalidRequest, match=r"secretary\.args\.replicas: must be 1"):
        read_graph(path)


def test_reading_graph_imports_no_engine_library() -> None:
    heavy = "{'ray', 'xllamacpp', 'onnxruntime', 'piper', 'ctranslate2', 'faster_whisper', 'torch'}"
    program = (
        "import sys; from pathlib import Path; from deployments.command.graph import read_graph; "
        f"read_graph(Path('graph.yaml')); print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def two_applications(args: str, staff: str, door: str = "phone") -> str:
    first = f"{{name: secretary, route_prefix: /, import_path: 'serve_app:build_secretary', args: {args}}}"
    return (
        f"applications: [{first}, {{name: d, route_prefix: /d, import_path: 'serve_app:build_{door}', args: {staff}}}]"
    )


ANNA = "{voices: [{name: anna, engines: [{engine: tone}]}]}"
QWEN = "{chats: [{name: qwen, engine: echo}, {name: second, engine: echo}]}"


@pytest.mark.parametrize("door", ["office", "phone", "bots"])
@pytest.mark.parametrize(
    ("args", "staff", "fault"),
    [
        (ANNA, "{staff: {voices: [anna, ana]}}", "voices: unknown voice deployment ana; known: anna"),
        (ANNA, "{}", "voices: unknown voice deployment voice; known: anna"),
        ("{}", "{staff: {voices: [anna]}}", "voices: unknown voice deployment anna; known: none"),
        (ANNA, "{staff: {voices: [anna]}}", ""),
        (ANNA, "{staff: {voices: []}}", ""),
        ("{}", "{}", ""),
        (QWEN, "{staff: {chats: [qwen, third]}}", "chats: unknown chat deployment third; known: qwen, second"),
        (QWEN, "{staff: {chats: [qwen, second]}}", ""),
        (QWEN, "{staff: {chats: [second]}}", "chats: name the default model qwen first"),
        ("{}", "{staff: {chats: [qwen]}}", "chats: unknown chat deployment qwen; known: none"),
    ],
)
def test_engines_of_door_must_exist(tmp_path: Path, door: str, args: str, staff: str, fault: str) -> None:
    path = write_graph(tmp_path, two_applications(args, staff, door))
    if not fault:
        read_graph(path)
        return
    with pytest.raises(InvalidRequest) as caught:
        read_graph(path)
    assert caught.value.message == f"{path}: d.args.staff.{fault}"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("applications: []\nhttp_options: {}\napplications: []", "line 3: 'applications' appears twice, first in"),
        (one_application("{gateway: {replicas: 1, replicas: 2}}"), "line 1: 'replicas' appears twice, first in"),
    ],
)
def test_repeated_key_is_error(tmp_path: Path, text: str, complaint: str) -> None:
    path = write_graph(tmp_path, text)
    with pytest.raises(InvalidRequest) as caught:
        read_graph(path)
    assert caught.value.message.startswith(f"{path}: {complaint}")


def test_merged_mapping_may_replace_key(tmp_path: Path) -> None:
    """The merge key ``<<`` of YAML."""
    args = "{gateway: &g {replicas: 2}, faq: {<<: *g, replicas: 3}}"
    faq = read_graph(write_graph(tmp_path, one_application(args))).secretary_arguments().faq
    assert faq is not None
    assert faq.replicas == 3


def test_graph_not_utf8_is_error(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"applications: \xff")
    with pytest.raises(InvalidRequest, match=r"mine\.yaml: not UTF-8: .* at byte 14"):
        read_graph(path)


@pytest.mark.parametrize(
    ("more", "unused"),
    [
        ("", ()),
        ("proxy_location: HeadOnly\nhttp_options: {host: 127.0.0.1, port: 8002, keep_alive_timeout_s: 5}", ()),
        ("http_options: {host: 0.0.0.0, port: 9000}", ()),
        ("http_options: {host: 10.0.0.1, port: 80}", ("http_options.host", "http_options.port")),
        (
            "proxy_location: EveryNode\nhttp_options: {root_path: /x}\nlogging_config: {log_level: DEBUG}",
            ("proxy_location", "http_options.root_path", "logging_config"),
        ),
    ],
)
def test_unused_keys_of_up(tmp_path: Path, more: str, unused: tuple[str, ...]) -> None:
    graph = read_graph(write_graph(tmp_path, f"{more}\n{one_application()}"))
    assert graph.unused_keys("0.0.0.0", 9000) == unused


def test_graph_errors_are_reported_together(tmp_path: Path) -> None:
    path = write_graph(tmp_path, "a: 1\nb: 2\n" + one_application())
    with pytest.raises(InvalidRequest, match=r"a: .*; b: "):
        read_graph(path)


def test_missing_graph_names_option(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"none\.yaml: no such file; give one with --graph"):
        read_graph(tmp_path / "none.yaml")


def test_graph_without_secretary_has_no_engines(tmp_path: Path) -> None:
    office = "applications: [{name: office, route_prefix: /admin, import_path: 'serve_app:build_office'}]"
    graph = read_graph(write_graph(tmp_path, office))
    with pytest.raises(InvalidRequest, match="no application 'secretary'"):
        graph.secretary_arguments()


def test_model_ids_are_unique_in_order() -> None:
    engines = "[{engine: piper, options: {models: ['model://b', 'model://a/x.onnx', 'model://b']}}]"
    chat = "{engine: llama_cpp, options: {model: 'model://c/y.gguf', nested: {deep: ['model://a']}}}"
    text = one_application(f"{{voices: [{{engines: {engines}}}], chats: [{chat}]}}")
    assert Graph.model_validate(yaml.safe_load(text)).model_ids() == ("b", "a", "c")
