#include "sandbox/unpack/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <clocale>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/unpack/directory_target.h"

namespace so::unpack {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Remembers what came out.
class MemoryTarget final : public Target {
 public:
  std::string Folder(const std::string& path) override {
    folders.push_back(path);
    return "";
  }
  std::string File(const std::string& path, bool executable) override {
    last = path;
    files[path] = executable ? "x:" : "";
    return "";
  }
  std::string Write(std::string_view bytes) override {
    files[last].append(bytes);
    return "";
  }
  std::vector<std::string> folders;
  std::map<std::string, std::string> files;
  std::string last;
};

enum class Form { kZip, kTarGz };

// Writes entries as they are told to, honest or not.
class Packer {
 public:
  explicit Packer(Form form) : archive_(archive_write_new()) {
    std::setlocale(LC_CTYPE, "C.UTF-8");
    if (form == Form::kZip) {
      archive_write_set_format_zip(archive_);
    } else {
      archive_write_add_filter_gzip(archive_);
      archive_write_set_format_pax_restricted(archive_);
    }
    archive_write_set_bytes_in_last_block(archive_, 1);  // No padding.
    archive_write_open(archive_, &bytes_, nullptr, &Append, nullptr);
  }

  Packer& File(const std::string& name, const std::string& content = "x",
               int mode = 0644) {
    return Add(name, AE_IFREG, mode, content, nullptr);
  }
  Packer& Folder(const std::string& name) {
    return Add(name, AE_IFDIR, 0755, "", nullptr);
  }
  Packer& Add(const std::string& name, unsigned type, int mode,
              const std::string& content,
              const std::function<void(archive_entry*)>& change) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, mode);
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    if (change) change(entry);
    archive_write_header(archive_, entry);
    archive_write_data(archive_, content.data(), content.size());
    archive_entry_free(entry);
    return *this;
  }
  std::string Finish() {
    archive_write_free(archive_);
    return bytes_;
  }

 private:
  static la_ssize_t Append(archive*, void* self, const void* data,
                           size_t size) {
    static_cast<std::string*>(self)->append(static_cast<const char*>(data),
                                            size);
    return static_cast<la_ssize_t>(size);
  }

  archive* archive_;
  std::string bytes_;
};

std::string Refusal(const std::string& packed, const Limits& limits = {}) {
  MemoryTarget target;
  return Unpack(packed, limits, target);
}

class BothFormsTest : public ::testing::TestWithParam<Form> {};
INSTANTIATE_TEST_SUITE_P(Forms, BothFormsTest,
                         ::testing::Values(Form::kZip, Form::kTarGz),
                         [](const auto& form) {
                           return form.param == Form::kZip ? "Zip" : "TarGz";
                         });

TEST_P(BothFormsTest, KeepsNamesContentAndTheExecutableBit) {
  const std::string packed = Packer(GetParam())
                                 .Folder("./")
                                 .File("./index.js", "code")
                                 .Folder("node_modules/")
                                 .File("node_modules/a/b.js", "dependency")
                                 .File("bootstrap", "run", 0750)
                                 .File("grüße.txt", "utf-8")
                                 .Finish();
  MemoryTarget target;
  EXPECT_EQ(Unpack(packed, {}, target), "");
  EXPECT_EQ(target.files["index.js"], "code");
  EXPECT_EQ(target.files["node_modules/a/b.js"], "dependency");
  EXPECT_EQ(target.files["bootstrap"], "x:run");
  EXPECT_EQ(target.files["grüße.txt"], "utf-8");
  EXPECT_EQ(target.files.size(), 4u);
}

TEST_P(BothFormsTest, RefusesNamesThatLeaveTheFolder) {
  for (const char* name : {"../evil", "a/../../evil", "a/..", "/etc/passwd",
                           "\\evil", "C:evil", "a/../b"}) {
    EXPECT_THAT(Refusal(Packer(GetParam()).File(name).Finish()),
                ::testing::AnyOf(HasSubstr("leaves the folder"),
                                 HasSubstr("absolute path")))
        << name;
  }
}

TEST_P(BothFormsTest, RefusesSymbolicLinks) {
  const auto link = [](archive_entry* entry) {
    archive_entry_set_symlink(entry, "/etc/passwd");
  };
  const std::string refusal =
      Refusal(Packer(GetParam()).Add("l", AE_IFLNK, 0777, "", link).Finish());
  EXPECT_EQ(refusal,
            "entry \"l\" is a symbolic link; only files and folders are taken");
}

TEST_P(BothFormsTest, RefusesSetUserId) {
  EXPECT_THAT(Refusal(Packer(GetParam()).File("a", "x", 04755).Finish()),
              HasSubstr("set-user-id"));
  EXPECT_THAT(Refusal(Packer(GetParam()).File("a", "x", 02755).Finish()),
              HasSubstr("set-group-id"));
}

TEST_P(BothFormsTest, RefusesNamesThatCollide) {
  EXPECT_THAT(Refusal(Packer(GetParam()).File("a").File("./a").Finish()),
              HasSubstr("is there twice"));
  EXPECT_THAT(Refusal(Packer(GetParam()).File("a/b").File("A/c").Finish()),
              HasSubstr("only in case"));
  EXPECT_THAT(
      Refusal(Packer(GetParam()).File("Readme").File("README").Finish()),
      HasSubstr("only in case"));
  EXPECT_THAT(Refusal(Packer(GetParam()).File("a").File("a/b").Finish()),
              HasSubstr("both a file and a folder"));
  EXPECT_THAT(Refusal(Packer(GetParam()).File("a/b").File("a").Finish()),
              HasSubstr("both a file and a folder"));
}

TEST_P(BothFormsTest, RefusesControlCharacters) {
  EXPECT_EQ(Refusal(Packer(GetParam()).File("a\x1b[31m").Finish()),
            "entry \"a\\x1b[31m\" has a control character in its name");
}

TEST_P(BothFormsTest, BoundsEntriesDepthAndNames) {
  Packer many(GetParam());
  for (int i = 0; i <= 5; ++i) many.File("f" + std::to_string(i));
  EXPECT_EQ(Refusal(many.Finish(), {.entries = 5}),
            "the archive has more than 5 entries");
  std::string deep = "f";
  for (int i = 0; i < 20; ++i) deep = "d/" + deep;
  EXPECT_THAT(Refusal(Packer(GetParam()).File(deep).Finish()),
              HasSubstr("more than 20 folders deep"));
  EXPECT_THAT(Refusal(Packer(GetParam()).File(std::string(256, 'n')).Finish()),
              HasSubstr("more than 255 bytes"));
}

TEST_P(BothFormsTest, CountsBytesWhileTheyComeOut) {
  EXPECT_EQ(
      Refusal(Packer(GetParam()).File("a", std::string(3 << 20, 'x')).Finish(),
              {.bytes = 2 << 20, .ratio = 1 << 20}),
      "the archive unpacks to more than 2 MB");
  EXPECT_EQ(
      Refusal(Packer(GetParam()).File("a", std::string(8 << 20, 0)).Finish()),
      "the archive unpacks to more than 100 times its size");
}

TEST_P(BothFormsTest, DamageIsARefusal) {
  const std::string packed =
      Packer(GetParam()).File("a", std::string(1000, 'x')).Finish();
  for (size_t size = 1; size < packed.size(); size += 7) {
    Refusal(packed.substr(0, size));
    std::string bent = packed;
    bent[size] = static_cast<char>(~bent[size]);
    Refusal(bent);
  }
  EXPECT_THAT(Refusal(packed.substr(0, packed.size() / 2)),
              ::testing::Not(IsEmpty()));
}

TEST(UnpackTest, RefusesHardLinksAndDevices) {
  const auto link = [](archive_entry* entry) {
    archive_entry_set_hardlink(entry, "a");
  };
  EXPECT_THAT(Refusal(Packer(Form::kTarGz)
                          .File("a")
                          .Add("b", AE_IFREG, 0644, "", link)
                          .Finish()),
              HasSubstr("hard link"));
  for (const unsigned type : {AE_IFCHR, AE_IFBLK, AE_IFIFO}) {
    EXPECT_THAT(
        Refusal(
            Packer(Form::kTarGz).Add("d", type, 0644, "", nullptr).Finish()),
        HasSubstr("neither a file nor a folder"));
  }
}

TEST(UnpackTest, RefusesWhatIsNoArchive) {
  for (const char* bytes : {"", "hello", "PK", "\x1f\x8b", "Rar!"}) {
    EXPECT_THAT(Refusal(bytes), ::testing::Not(IsEmpty())) << bytes;
  }
  EXPECT_THAT(Refusal("Rar!\x1a\x07"), HasSubstr("neither a zip nor a tar.gz"));
}

TEST(UnpackTest, RefusesNulInTheNamesOfAZip) {
  std::string packed = Packer(Form::kZip).File("nameXjs").Finish();
  for (size_t at = 0; (at = packed.find("nameXjs", at)) != packed.npos; ++at) {
    packed[at + 4] = '\0';
  }
  EXPECT_EQ(Refusal(packed), "entry \"name\\x00js\" has a NUL in its name");
}

TEST_P(BothFormsTest, RefusesWhatHasNoFiles) {
  EXPECT_EQ(Refusal(Packer(GetParam()).Folder("a/").Finish()),
            "the archive has no files");
  EXPECT_EQ(Refusal(Packer(GetParam()).Finish()), "the archive has no files");
}

TEST(DirectoryTargetTest, WritesFilesWithPlainModes) {
  std::string dir = ::testing::TempDir() + "unpack-XXXXXX";
  ASSERT_NE(mkdtemp(dir.data()), nullptr);
  umask(022);
  DirectoryTarget target(dir);
  ASSERT_TRUE(target.valid());
  const std::string packed = Packer(Form::kTarGz)
                                 .File("a/b/c.txt", "text", 0600)
                                 .File("a/run", "program", 0111)
                                 .Finish();
  EXPECT_EQ(Unpack(packed, {}, target), "");
  std::ifstream file(dir + "/a/b/c.txt");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "text");
  const auto mode = [&](const std::string& path) {
    return static_cast<int>(std::filesystem::status(dir + path).permissions());
  };
  EXPECT_EQ(mode("/a/b/c.txt"), 0644);
  EXPECT_EQ(mode("/a/run"), 0755);
  EXPECT_THAT(target.File("a/run", false), HasSubstr("cannot be made"));
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace so::unpack
