"""Specs that try to have code run: plugins, modules beside them, and names of layers and arguments that carry code."""

from __future__ import annotations

from .case import BASE, CODE, Case, layers

CASES = [
    *(
        Case(
            f"the plugin {name}",
            f"plugins: [{name}]\n" + BASE,
            {"evil.py": CODE, "pkg/__init__.py": CODE},
            refused=None,
            builds=False,
        )
        for name in (
            "evil",
            "pkg",
            "pkg.inner",
            "os",
            "antigravity",
            "bystander",
            "../outside/evil",
            "/tmp/evil",
            "evil.py",
            "'evil; x'",
        )
    ),
    Case(
        "a plugin in a folder above",
        "plugins: [{module: evil, folder: ../outside}]\n" + BASE,
        {"../outside/evil.py": CODE},
        refused=None,
        builds=False,
        reads=("../outside",),
    ),
    Case(
        "a plugin of an include",
        "include: [lib.yaml]\n" + BASE,
        {"lib.yaml": "graphspec: 1\nplugins: [evil]\n", "evil.py": CODE},
        refused=None,
        builds=False,
    ),
    Case(
        "modules beside the spec that are named like packages",
        files={
            f"{name}.py": CODE
            for name in (
                "keras",
                "tensorflow",
                "yaml",
                "numpy",
                "click",
                "pydantic",
                "h5py",
                "PIL",
                "pyarrow",
                "sitecustomize",
                "usercustomize",
                "conftest",
                "optuna",
            )
        },
        refused=False,
    ),
    Case(
        "a package of formats beside the spec",
        files={
            "evil.py": CODE,
            "evil-1.0.dist-info/entry_points.txt": "[graphspec.formats]\nnpy = evil:FORMAT\n",
            "evil-1.0.dist-info/METADATA": "Name: evil\nVersion: 1.0\n",
        },
        refused=False,
    ),
    *(
        Case(f"the layer {name}", layers(f"[{{{name}: {{{arguments}}}}}, {{Dense: 1}}]"))
        for name, arguments in {
            "Lambda": "function: 'lambda x: x'",
            "keras>Lambda": "function: x",
            "TFSMLayer": "filepath: graph",
            "JaxLayer": "call_fn: x",
            "TorchModuleWrapper": "module: x",
            "os>system": "command: ls",
            "ops.map": "f: x",
            "ops.custom_gradient": "f: x",
            "keras.layers.Lambda": "function: x",
            "builtins>exec": "source: x",
            "__import__": "name: os",
            "ops.__class__": "a: 1",
            "ops.image.__init__": "a: 1",
        }.items()
    ),
    *(
        Case(f"the argument {argument}", layers(f"[{{Dense: {{units: 1, {argument}}}}}]"))
        for argument in (
            "activation: {class_name: function, module: os, config: system, registered_name: system}",
            "activation: {Lambda: x}",
            "kernel_initializer: {module: os, class_name: system, config: {}}",
            "activation: os.system",
            "kernel_regularizer: {__lambda__: x}",
            "dtype: {class_name: DTypePolicy, config: {}}",
            "__class__: 1",
            "activation: 'lambda x: x'",
        )
    ),
]
