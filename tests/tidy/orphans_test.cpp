// Every source file has its unit twin: crds/api/decode.cpp has tests/unit/crds/api/decode_test.cpp,
// and where that grows long decode_SUBJECT_test.cpp beside it.
#include "tests/tidy/source_files.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace penstock::tidy {
namespace {

// Files that other tests cover, each with the reason.
const std::map<std::string_view, std::string_view>& exceptions() {
    static const std::map<std::string_view, std::string_view> files{
        {"dataplane/main.cpp", "the whole program: tests/integration"},
        {"operator/main.cpp", "the whole program: tests/integration"},
        {"crds/tools/crdgen.cpp", "its output is compared by the generated test"},
        {"operator/tools/manifestgen.cpp", "its output is compared by the test of rbac_manifests"},
        {"dataplane/net/link.cpp", "one socket of a worker: worker_test.cpp"},
        {"dataplane/net/perform.cpp", "the worker's second half: worker_test.cpp"},
        {"dataplane/proxy/proxy.cpp",
         "hands on to the core: every script in tests/unit/dataplane/proxy"},
    };
    return files;
}

std::string twin_of(const std::string& source) {
    return "tests/unit/" + source.substr(0, source.size() - std::string_view(".cpp").size()) +
           "_test.cpp";
}

// Whether `stem`, or what stands before one of its underscores, is a source file.
bool names_a_source(const std::filesystem::path& root, std::string stem) {
    for (;;) {
        const std::filesystem::path path = root / stem;
        if (std::filesystem::exists(path.string() + ".cpp")) return true;
        if (std::filesystem::exists(path.string() + ".hpp")) return true;
        const std::size_t cut = stem.rfind('_');
        const std::size_t folder = stem.rfind('/');
        if (cut == std::string::npos || (folder != std::string::npos && cut < folder)) return false;
        stem.resize(cut);
    }
}

TEST(Orphans, EverySourceFileHasItsUnitTest) {
    const std::filesystem::path root = PENSTOCK_SOURCE_DIR;
    for (const SourceFile& file : source_files({"crds", "dataplane", "operator"}, {".cpp"})) {
        if (exceptions().contains(file.path)) continue;
        EXPECT_TRUE(std::filesystem::exists(root / twin_of(file.path)))
            << file.path << ": has no " << twin_of(file.path);
    }
}

TEST(Orphans, EveryUnitTestHasItsSourceFile) {
    const std::filesystem::path root = PENSTOCK_SOURCE_DIR;
    for (const SourceFile& file : source_files({"tests/unit"}, {".cpp"})) {
        if (!file.path.ends_with("_test.cpp")) continue;
        const std::string tail = file.path.substr(std::string_view("tests/unit/").size());
        const std::string stem = tail.substr(0, tail.size() - std::string_view("_test.cpp").size());
        EXPECT_TRUE(names_a_source(root, stem))
            << file.path << ": tests nothing that exists; move it beside its source's new name";
    }
}

TEST(Orphans, ExceptionsAreNeeded) {
    const std::filesystem::path root = PENSTOCK_SOURCE_DIR;
    for (const auto& [path, reason] : exceptions()) {
        EXPECT_FALSE(std::filesystem::exists(root / twin_of(std::string(path))))
            << path << ": has a twin; take it off the list (" << reason << ")";
    }
}

}  // namespace
}  // namespace penstock::tidy
