"""The origins that archprof has. Another is one more file like these; see ``docs/extending.md``."""

from archprof.sources.origin import ORIGINS
from archprof.sources.origins.checkpoint import CheckpointFile
from archprof.sources.origins.git_revision import GitRevision
from archprof.sources.origins.python import PythonFactory
from archprof.sources.origins.stock import Stock
from archprof.sources.origins.timm import Timm
from archprof.sources.origins.torchvision import Torchvision
from archprof.sources.origins.yaml_file import YamlFile
from archprof.sources.origins.zoo import Zoo

ORIGINS.register("timm", Timm())
ORIGINS.register("torchvision", Torchvision())
ORIGINS.register("checkpoint", CheckpointFile())
ORIGINS.register("yaml", YamlFile())
ORIGINS.register("git", GitRevision())
ORIGINS.register("python", PythonFactory())
ORIGINS.register("zoo", Zoo())
ORIGINS.register("ultralytics", Stock())
