#include "sandbox/unpack/unpack.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>

#include "sandbox/unpack/zip_directory.h"

namespace so::unpack {
namespace {

constexpr size_t kChunkBytes = 64 << 10;

struct Free {
  void operator()(archive* a) const { archive_read_free(a); }
};
using Reader = std::unique_ptr<archive, Free>;

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

Entry::Kind KindOf(archive_entry* entry) {
  if (archive_entry_hardlink(entry) != nullptr) return Entry::Kind::kHardlink;
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return Entry::Kind::kFile;
    case AE_IFDIR:
      return Entry::Kind::kFolder;
    case AE_IFLNK:
      return Entry::Kind::kSymlink;
    default:
      return Entry::Kind::kOther;
  }
}

Entry Describe(archive_entry* entry) {
  const char* name = archive_entry_pathname(entry);
  if (name == nullptr) name = archive_entry_pathname_utf8(entry);
  return {.name = name == nullptr ? "" : name,
          .kind = KindOf(entry),
          .mode = static_cast<unsigned>(archive_entry_mode(entry)),
          .encrypted = archive_entry_is_encrypted(entry) != 0};
}

// Unpacks one archive; lives as long as that takes.
class Unpacking {
 public:
  Unpacking(std::string_view packed, const Limits& limits, Target& target)
      : rules_(limits, static_cast<int64_t>(packed.size())), target_(target) {}

  std::string Run(archive* reader) {
    archive_entry* entry = nullptr;
    while (true) {
      const int status = archive_read_next_header(reader, &entry);
      if (status == ARCHIVE_EOF) {
        return files_ == 0 ? "the archive has no files" : CountHeaders(reader);
      }
      // A warning is a name that cannot be converted.
      if (status != ARCHIVE_OK) return Damaged(reader);
      std::string problem = CountHeaders(reader);
      if (problem.empty()) problem = Take(reader, Describe(entry));
      if (!problem.empty()) return problem;
    }
  }

 private:
  std::string Take(archive* reader, const Entry& entry) {
    std::string path;
    std::string problem = rules_.Check(entry, path);
    if (!problem.empty() || path.empty()) return problem;
    const bool folder = entry.kind == Entry::Kind::kFolder;
    const size_t slash = path.rfind('/');
    if (slash != std::string::npos) {
      problem = target_.Folder(path.substr(0, slash));
      if (!problem.empty()) return problem;
    }
    if (folder) return target_.Folder(path);
    ++files_;
    problem = target_.File(path, (entry.mode & 0111) != 0);
    return problem.empty() ? CopyData(reader) : problem;
  }

  // Holes of sparse files come out as zeros, and count.
  std::string CopyData(archive* reader) {
    char chunk[kChunkBytes];
    while (true) {
      const la_ssize_t n = archive_read_data(reader, chunk, sizeof(chunk));
      if (n == 0) return "";
      if (n < 0) return Damaged(reader);
      data_bytes_ += n;
      std::string problem = rules_.Count(n);
      if (problem.empty()) {
        problem = target_.Write(std::string_view(chunk, n));
      }
      if (!problem.empty()) return problem;
    }
  }

  // What a tar inflates to besides the data of its files: headers, which can be
  // a bomb of their own.
  std::string CountHeaders(archive* reader) {
    if (archive_filter_code(reader, 0) == ARCHIVE_FILTER_NONE) return "";
    const int64_t headers = archive_filter_bytes(reader, 0) - data_bytes_;
    if (headers <= header_bytes_) return "";
    const int64_t more = headers - header_bytes_;
    header_bytes_ = headers;
    return rules_.Count(more);
  }

  static std::string Damaged(archive* reader) {
    const char* why = archive_error_string(reader);
    return std::string("the archive is damaged") +
           (why == nullptr ? "" : std::string(": ") + why);
  }

  EntryRules rules_;
  Target& target_;
  int files_ = 0;
  int64_t data_bytes_ = 0;
  int64_t header_bytes_ = 0;
};

}  // namespace

std::string Unpack(std::string_view packed, const Limits& limits,
                   Target& target) {
  const Reader reader(archive_read_new());
  if (StartsWith(packed, "PK")) {
    // By the directory at the end, as other programs read it.
    archive_read_support_format_zip_seekable(reader.get());
    if (std::string problem = CheckZipNames(packed); !problem.empty()) {
      return problem;
    }
  } else if (StartsWith(packed, "\x1f\x8b")) {
    archive_read_support_filter_gzip(reader.get());
    archive_read_support_format_tar(reader.get());
  } else {
    return "the archive is neither a zip nor a tar.gz";
  }
  if (archive_read_open_memory(reader.get(), packed.data(), packed.size()) !=
      ARCHIVE_OK) {
    return "the archive is damaged";
  }
  return Unpacking(packed, limits, target).Run(reader.get());
}

}  // namespace so::unpack
