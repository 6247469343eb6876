// The native half of the python zygote. Only the limited API is used, so that
// one binary serves every version of python from 3.11 on.
#define Py_LIMITED_API 0x030b0000
#include <Python.h>

#include "runtimes/native/end_on_sigterm.h"
#include "runtimes/native/huge_pages.h"
#include "sandbox/isolation/zygote.h"

namespace so::runtimes {
namespace {

// serve(): returns in each child, see ServeZygote. No Python runs in the zygote
// from here on, so its preparation for a fork holds for all of them.
PyObject* Serve(PyObject*, PyObject*) {
  PyOS_BeforeFork();
  UseHugePages();
  so::isolation::ServeZygote({});
  PyOS_AfterFork_Child();
  EndOnSigterm();
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"serve", &Serve, METH_NOARGS, "Serves forks; returns in each child."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "so_sandbox",
    nullptr,
    -1,
    functions,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

}  // namespace
}  // namespace so::runtimes

PyMODINIT_FUNC PyInit_so_sandbox() {
  return PyModule_Create(&so::runtimes::definition);
}
