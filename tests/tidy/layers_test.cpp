// The table of layers (docs/architecture.md) as a test: every #include and every forbidden word of
// the pure layers.
#include "tests/tidy/source_files.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::tidy {
namespace {

struct Module {
    std::string_view folder;
    bool is_pure;                             // no IO, threads, clocks, logs, exceptions
    std::set<std::string_view> uses;          // folders, besides its own
    std::set<std::string_view> single_files;  // headers of other folders
    std::set<std::string_view>
        libraries;  // first component of <...> that is not the standard library
};

const std::vector<Module>& modules() {
    static const std::vector<Module> table{
        {"crds/api", true, {}, {}, {"nlohmann"}},
        {"crds/yaml", false, {"crds/api"}, {}, {"nlohmann", "yaml-cpp"}},
        {"crds/tools", false, {"crds/api", "crds/yaml"}, {}, {"nlohmann", "CLI"}},
        {"dataplane/wire", true, {"crds/api"}, {}, {"openssl", "stringprep.h"}},
        {"dataplane/control", true, {"crds/api"}, {}, {}},
        {"dataplane/session", true, {"dataplane/wire", "crds/api"}, {}, {}},
        {"dataplane/pool", true, {"dataplane/control", "crds/api"}, {}, {}},
        {"dataplane/proxy",
         true,
         {"dataplane/session", "dataplane/pool", "dataplane/control", "dataplane/wire", "crds/api"},
         {},
         {}},
        {"dataplane/postgres",
         false,
         {"crds/api"},
         {},
         {"libpq-fe.h", "nlohmann", "boost", "spdlog"}},
        {"dataplane/net",
         false,
         {"dataplane/proxy",
          "dataplane/session",
          "dataplane/pool",
          "dataplane/control",
          "dataplane/wire",
          "dataplane/postgres",
          "crds/yaml",
          "crds/api"},
         {},
         {"boost", "openssl", "spdlog", "nlohmann", "prometheus"}},
        {"operator/runtime", true, {"crds/api"}, {}, {"nlohmann"}},
        {"operator/domain", true, {"crds/api"}, {}, {"nlohmann"}},
        {"operator/reconcile",
         true,
         {"operator/runtime", "operator/domain", "crds/api"},
         {},
         {"nlohmann"}},
        {"operator/objects", true, {"operator/domain", "crds/api"}, {}, {"nlohmann"}},
        {"operator/http", false, {"crds/api"}, {}, {"boost", "openssl", "nlohmann"}},
        {"operator/tools", false, {"operator/objects", "crds/yaml", "crds/api"}, {}, {"nlohmann"}},
        {"operator/metrics", false, {"crds/api"}, {"operator/domain/observed.hpp"}, {"prometheus"}},
        {"operator/kube",
         false,
         {"crds/yaml",
          "crds/api",
          "operator/http",
          "operator/metrics",
          "operator/runtime",
          "operator/objects",
          "operator/reconcile"},
         {"operator/domain/observed.hpp", "operator/domain/plan.hpp", "operator/domain/memory.hpp"},
         {"boost", "cpprest", "pplx", "openssl", "spdlog", "nlohmann"}},
        {"operator/host",
         false,
         {"crds/yaml",
          "crds/api",
          "operator/http",
          "operator/metrics",
          "operator/runtime",
          "operator/reconcile"},
         {"operator/domain/observed.hpp",
          "operator/domain/plan.hpp",
          "operator/domain/memory.hpp",
          "operator/domain/rollout.hpp"},
         {"boost", "spdlog", "nlohmann"}},
    };
    return table;
}

struct Word {
    std::string_view text;
    std::string_view instead;
};

// What the pure layers do without.
const std::vector<Word>& forbidden_words() {
    static const std::vector<Word> words{
        {"::now(", "take `now` as an argument"},
        {"std::thread", "let the shell own threads"},
        {"std::jthread", "let the shell own threads"},
        {"std::mutex",
         "keep the state on one thread, or use std::atomic for counters that others read"},
        {"std::function", "use a template, a variant or a function pointer"},
        {"std::shared_ptr",
         "use a handle (slot and generation) or a value; only snapshots, <const T>, are shared"},
        {"throw ", "return api::Result"},
        {"spdlog", "return what happened as a value; the shell logs it"},
        {"std::cout", "return what happened as a value"},
        {"std::cerr", "return what happened as a value"},
        {"printf(", "return what happened as a value"},
        {"getenv", "take the setting as an argument"},
        {"std::random_device", "take a seeded generator as an argument"},
        {"sleep_for", "return when to be called again"},
        {"std::async", "let the shell own threads"},
    };
    return words;
}

// Headers of the standard library that the pure layers may not include.
const std::map<std::string_view, std::string_view>& forbidden_headers() {
    static const std::map<std::string_view, std::string_view> headers{
        {"thread", "let the shell own threads"},
        {"mutex", "keep the state on one thread"},
        {"condition_variable", "keep the state on one thread"},
        {"future", "let the shell own threads"},
        {"fstream", "let the shell read and write files"},
        {"filesystem", "let the shell read and write files"},
        {"iostream", "return what happened as a value"},
        {"regex", "write the few lines of matching; <regex> allocates and throws"},
    };
    return headers;
}

// crds/api/check.hpp is the one place that writes: it prints the expression and aborts.
bool is_exempt(const SourceFile& file) { return file.path.find("crds/api/check.") == 0; }

const Module* module_of(std::string_view path) {
    for (const Module& module : modules()) {
        if (path.starts_with(std::string(module.folder) + "/")) return &module;
    }
    return nullptr;
}

struct Include {
    bool is_own;  // "..." rather than <...>
    std::string path;
};

std::optional<Include> include_of(std::string_view line) {
    const std::size_t hash = line.find_first_not_of(' ');
    if (hash == std::string_view::npos || !line.substr(hash).starts_with("#include")) return {};
    const std::size_t open = line.find_first_of("<\"");
    if (open == std::string_view::npos) return {};
    const std::size_t close = line.find_first_of(">\"", open + 1);
    if (close == std::string_view::npos) return {};
    return Include{line[open] == '"', std::string(line.substr(open + 1, close - open - 1))};
}

// The folder of an own include, "crds/api" of "crds/api/result.hpp".
std::string folder_of(const std::string& path) { return path.substr(0, path.find_last_of('/')); }

std::string fault_of_own(const Module& module, const Include& include) {
    const std::string folder = folder_of(include.path);
    if (include.path.find('/') == std::string::npos || include.path.find("../") == 0)
        return "is not from the repository's root: write \"folder/module/file.hpp\"";
    if (folder == module.folder || module.uses.contains(folder)) return "";
    if (module.single_files.contains(include.path)) return "";
    std::string allowed;
    for (const std::string_view used : module.uses) allowed += " " + std::string(used);
    return std::string(module.folder) +
           " may use only:" + (allowed.empty() ? " nothing" : allowed) +
           "; pass what it needs as an argument, or move the code up a layer";
}

std::string fault_of_foreign(const Module& module, const Include& include) {
    const std::string first = include.path.substr(0, include.path.find('/'));
    const bool is_library = include.path.find('/') != std::string::npos || first.ends_with(".h");
    static const std::set<std::string_view> posix{"sys", "netinet", "arpa", "net", "linux"};
    if (!is_library) {
        const auto found = forbidden_headers().find(include.path);
        if (module.is_pure && found != forbidden_headers().end())
            return "a pure layer does without it: " + std::string(found->second);
        return "";
    }
    if (first == "tl" || module.libraries.contains(first)) return "";
    const bool is_posix = posix.contains(first) || (first.ends_with(".h") && first != "libpq-fe.h");
    if (!module.is_pure && is_posix) return "";
    return std::string(module.folder) +
           " may not use this library: see its row in docs/architecture.md";
}

TEST(Layers, EveryIncludePointsDown) {
    for (const SourceFile& file :
         source_files({"crds", "dataplane", "operator"}, {".hpp", ".cpp"})) {
        const Module* module = module_of(file.path);
        if (module == nullptr) {
            EXPECT_TRUE(file.path.ends_with("/main.cpp"))
                << file.path << ": is in no module; add its folder to the table in " << __FILE__;
            continue;
        }
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            const std::optional<Include> include = include_of(file.lines[i]);
            if (!include) continue;
            const std::string fault = include->is_own ? fault_of_own(*module, *include)
                                                      : fault_of_foreign(*module, *include);
            EXPECT_TRUE(fault.empty()) << place(file, i) << ": " << include->path << ": " << fault;
        }
    }
}

TEST(Layers, PureLayersHaveNoClockNoThreadNoLogAndThrowNothing) {
    for (const SourceFile& file :
         source_files({"crds", "dataplane", "operator"}, {".hpp", ".cpp"})) {
        const Module* module = module_of(file.path);
        if (module == nullptr || !module->is_pure || is_exempt(file)) continue;
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            const std::string code = code_of(file.lines[i]);
            for (const Word& word : forbidden_words()) {
                const std::size_t at = code.find(word.text);
                const bool is_part_of_a_name =
                    at != std::string::npos && at > 0 && word.text[0] != ':' &&
                    (std::isalnum(static_cast<unsigned char>(code[at - 1])) != 0 ||
                     code[at - 1] == '_');
                const bool is_snapshot = code.find("std::shared_ptr<const ") == at;
                EXPECT_TRUE(at == std::string::npos || is_part_of_a_name || is_snapshot)
                    << place(file, i) << ": `" << word.text
                    << "` in a pure layer: " << word.instead;
            }
        }
    }
}

TEST(Layers, EachModuleIsANamespaceOfItsOwn) {
    for (const SourceFile& file : source_files({"crds", "dataplane", "operator"}, {".hpp"})) {
        const Module* module = module_of(file.path);
        if (module == nullptr) continue;
        const std::string folder(module->folder);
        const std::string expected = "namespace penstock::" + folder.substr(folder.find('/') + 1);
        bool found = false;
        for (const std::string& line : file.lines) found = found || line.find(expected) == 0;
        EXPECT_TRUE(found) << file.path << ": nothing is in `" << expected << "`";
    }
}

}  // namespace
}  // namespace penstock::tidy
