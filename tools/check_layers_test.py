"""Tests of check_layers.py: small trees, good and bad."""

import contextlib
import io
import os
import tempfile
import unittest

import check_layers


def check(files):
    """Runs the checker over a tree {path: text} and returns its lines."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            status = check_layers.main(["check_layers", root])
    lines = output.getvalue().splitlines()
    assert status == (1 if lines else 0)
    return lines


def tree(path, *headers):
    """A file including `headers`, which exist when they are ours."""
    files = {h: "" for h in headers if not h.startswith(("grpcpp/", "serverless/"))}
    files[path] = "".join(f'#include "{h}"\n' for h in headers)
    return files


class FoldersTest(unittest.TestCase):
    def assert_allowed(self, path, *headers):
        self.assertEqual(check(tree(path, *headers)), [])

    def assert_refused(self, path, header):
        lines = check(tree(path, header))
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith(f"{path}:1: "), lines[0])
        self.assertIn(header, lines[0])

    def test_lower_layers_may_be_used(self):
        self.assert_allowed("telemetry/a.cc", "telemetry/a.h", "base/clock.h")
        self.assert_allowed("rpc/a.cc", "telemetry/a.h", "base/clock.h")
        self.assert_allowed("services/pool/client/a.h", "rpc/a.h", "base/clock.h")
        self.assert_allowed("services/router/a.cc", "services/router/a.h", "services/pool/client/a.h",
                            "services/router/client/b.h", "sandbox/a.h", "rpc/a.h", "telemetry/a.h")
        self.assert_allowed("base/a.cc", "serverless/config/v1/setting.pb.h")

    def test_upper_layers_may_not(self):
        self.assert_refused("base/a.h", "telemetry/a.h")
        self.assert_refused("telemetry/a.h", "rpc/a.h")
        self.assert_refused("rpc/a.h", "sandbox/a.h")
        self.assert_refused("sandbox/a.h", "rpc/a.h")
        self.assert_refused("rpc/a.h", "services/pool/client/a.h")
        self.assert_refused("services/pool/client/a.h", "services/pool/a.h")
        self.assert_refused("services/pool/client/a.h", "services/router/client/a.h")

    def test_a_service_sees_another_only_through_its_client(self):
        self.assert_refused("services/router/a.cc", "services/pool/pool.h")
        self.assert_refused("services/router/a_test.cc", "services/pool/testing/fake.h")
        self.assert_allowed("services/router/a_test.cc", "services/pool/client/testing/fake.h")

    def test_nobody_sees_the_scaler(self):
        self.assert_refused("services/router/a.cc", "services/scaler/client/a.h")
        self.assert_allowed("services/scaler/a.cc", "services/scaler/client/a.h", "services/pool/client/a.h")

    def test_testing_folders_are_for_tests(self):
        self.assert_refused("services/router/a.cc", "base/testing/manual_clock.h")
        self.assert_allowed("services/router/a_test.cc", "base/testing/manual_clock.h")
        self.assert_allowed("services/router/testing/a.h", "base/testing/manual_clock.h")

    def test_every_violation_is_printed_with_its_line(self):
        lines = check({
            "base/a.cc": '#include "base/a.h"\n\n#include "rpc/a.h"\n#include "telemetry/a.h"\n',
            "base/a.h": "", "rpc/a.h": "", "telemetry/a.h": "",
        })
        self.assertEqual([line.split(": ")[0] for line in lines], ["base/a.cc:3", "base/a.cc:4"])

    def test_comments_do_not_count(self):
        self.assertEqual(check({"base/a.h": '// #include "rpc/a.h"\n', "rpc/a.h": ""}), [])


class GrpcTest(unittest.TestCase):
    def test_grpc_is_for_adapters(self):
        for path in ("rpc/server.h", "services/pool/pool_service.cc", "services/pool/pool_service_test.cc",
                     "services/pool/grpc_link.cc", "services/pool/client/grpc_pool_client.h",
                     "services/pool/main.cc", "services/pool/testing/fake_pool.h"):
            self.assertEqual(check({path: "#include <grpcpp/grpcpp.h>\n"}), [], path)

    def test_all_others_stay_free_of_it(self):
        for path in ("base/a.h", "services/pool/pool.cc", "services/pool/pool_test.cc",
                     "services/pool/client/pool_client.h"):
            for header in ("grpcpp/grpcpp.h", "grpc/grpc.h", "serverless/pool/v1/pool.grpc.pb.h"):
                self.assertEqual(len(check({path: f"#include <{header}>\n"})), 1, (path, header))

    def test_messages_are_not_grpc(self):
        self.assertEqual(check({"services/pool/pool.h": '#include "serverless/pool/v1/pool.pb.h"\n'}), [])

    def test_grpc_behind_another_header_is_found(self):
        lines = check({
            "services/pool/pool.cc": '#include "rpc/server.h"\n',
            "rpc/server.h": '#include "rpc/detail.h"\n',
            "rpc/detail.h": "#include <grpcpp/server.h>\n",
        })
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("rpc/server.h, which includes rpc/detail.h, which includes grpcpp/server.h", lines[0])


class TargetsTest(unittest.TestCase):
    def test_linking_follows_the_same_rules(self):
        self.assertEqual(check({"services/router/CMakeLists.txt":
                                "so_library(so_router DEPS so::base so::pool_client so::messages\n"
                                "  TEST_DEPS so::base_testing so::pool_client_testing)\n"}), [])
        self.assertEqual(len(check({"services/router/CMakeLists.txt":
                                    "so_library(so_router\n  DEPS so::pool)\n"})), 1)
        self.assertEqual(len(check({"base/CMakeLists.txt": "so_library(so_base DEPS so::rpc)\n"})), 1)

    def test_parts_of_the_sandbox_are_known_by_their_own_names(self):
        self.assertEqual(check({"sandbox/launcher/CMakeLists.txt":
                                "so_library(so_launcher DEPS so::cgroups TEST_DEPS so::cgroups_testing)\n",
                                "services/pool/CMakeLists.txt": "so_library(so_pool DEPS so::protocol)\n"}), [])
        self.assertEqual(len(check({"sandbox/launcher/CMakeLists.txt":
                                    "so_library(so_launcher DEPS so::pool)\n"})), 1)


if __name__ == "__main__":
    unittest.main()
