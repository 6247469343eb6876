"""Finds and loads the function's handler."""

import importlib
import importlib.util
import os
import sys

from so_runtime.errors import HandlerNotFound, ImportModuleError, MalformedHandlerName


# What importing it does, without looking for compiled files, which a code
# directory that cannot be written to does not have.
def run_file(name, path, source):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return sys.modules.get(name, module)


def load_module(name, code_dir):
    # By its file, so that a name that the standard library has too is ours.
    if "." not in name:
        path = os.path.join(code_dir, name + ".py")
        try:
            with open(path, "rb", buffering=0) as file:
                source = file.readall()
        except FileNotFoundError:
            pass  # A package, perhaps.
        else:
            return run_file(name, path, source)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name + ".").startswith(error.name + "."):
            raise ImportModuleError(f"there is no file {name.replace('.', '/')}.py") from None
        raise


def load_handler(handler_name, code_dir):
    """ "pkg/file.f" or "pkg.file.f": function f of pkg/file."""
    module_name, _, function_name = handler_name.replace("/", ".").rpartition(".")
    if not all(module_name.split(".")) or not function_name:
        raise MalformedHandlerName(f"the handler must look like file.function: {handler_name}")
    loaded = load_module(module_name, code_dir)
    found = getattr(loaded, function_name, None)
    if not callable(found):
        file = module_name.replace(".", "/")
        raise HandlerNotFound(f"{file}.py has no function named {function_name}")
    return found
