"""Hands the engine's builder to setuptools; all else stands in pyproject.toml."""

from setuptools import setup

setup(cffi_modules=["engine_c/build_engine.py:ffibuilder"])
