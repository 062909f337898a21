"""Packages: `flows/` and `data/` stand at the top of the repository, and inside the package in the wheel."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages("src"), "newsclust.flows", "newsclust.shipped"],
    package_dir={"": "src", "newsclust.flows": "flows", "newsclust.shipped": "data"},
)
