"""Metadata lives in pyproject.toml; this names the packages, conf/ among them as seqlab.conf."""

from pathlib import Path

from setuptools import find_packages, setup

groups = sorted({path.parent for path in Path("conf").rglob("*.yaml")})
packages = {".".join(["seqlab", *folder.parts]): str(folder) for folder in groups}

setup(
    packages=[*find_packages(include=["seqlab*"]), *packages],
    package_dir=packages,
    package_data={
        **{name: ["*.yaml"] for name in packages},
        "seqlab.components.backbones": ["*.safetensors"],
    },
)
