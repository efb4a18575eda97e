// No field of a configuration is read by nobody, and each of a proxy's has a test of its effect.
// The fields are those of the description tables; a reader is found by the member's name.
#include "crds/api/backpressure.hpp"
#include "crds/api/connection_pool.hpp"
#include "crds/api/dataplane_config.hpp"
#include "tests/tidy/source_files.hpp"

#include <cctype>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::tidy {
namespace {

struct Leaf {
    std::string path;    // as in the document
    std::string parent;  // the member that it is part of, empty at the top
    std::string member;
};

std::string snake_case(std::string_view key) {
    std::string name;
    for (const char c : key) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isupper(byte) != 0) name += '_';
        name += static_cast<char>(std::tolower(byte));
    }
    return name;
}

template <class S>
void add_leaves(const std::string& path, const std::string& parent, std::vector<Leaf>& leaves);

template <class T>
void add_leaf(
    const std::string& path,
    const std::string& parent,
    const std::string& member,
    std::vector<Leaf>& leaves
) {
    if constexpr (api::Described<T>) {
        add_leaves<T>(path, member, leaves);
    } else if constexpr (api::OptionalField<T> || api::ListField<T>) {
        add_leaf<typename T::value_type>(path, parent, member, leaves);
    } else {
        leaves.push_back({path, parent, member});
    }
}

template <class S>
void add_leaves(const std::string& path, const std::string& parent, std::vector<Leaf>& leaves) {
    api::for_each_field<S>([&](const auto& field) {
        const std::string key(field.key);
        add_leaf<typename std::decay_t<decltype(field)>::Type>(
            path.empty() ? key : path + "." + key, parent, snake_case(key), leaves
        );
    });
}

template <class S>
std::vector<Leaf> leaves_of() {
    std::vector<Leaf> leaves;
    add_leaves<S>("", "", leaves);
    return leaves;
}

// Each `parent.member` and each `.member` that is read in these folders. Assignments do not count.
std::set<std::string> accesses(const std::vector<std::string>& folders) {
    static const std::regex access(R"(([A-Za-z_]\w*)?[)\]]*(?:\.|->)(\w+)\b(?!\s*=[^=]))");
    std::set<std::string> found;
    for (const SourceFile& file : source_files(folders, {".hpp", ".cpp"})) {
        for (const std::string& line : file.lines) {
            const std::string code = code_of(line);
            for (auto at = std::sregex_iterator(code.begin(), code.end(), access);
                 at != std::sregex_iterator();
                 ++at) {
                found.insert((*at)[2]);
                // The next match begins with this member: a.b.c has b.c too.
                const std::string rest = code.substr(static_cast<std::size_t>(at->position(2)));
                std::smatch next;
                if (std::regex_search(rest, next, access, std::regex_constants::match_continuous))
                    found.insert(next.str(1) + "." + next.str(2));
                if ((*at)[1].matched) found.insert(at->str(1) + "." + at->str(2));
            }
        }
    }
    return found;
}

// A member's name that several structs have says little: it must stand behind its parent's.
std::set<std::string> common_names(const std::vector<std::vector<Leaf>>& all) {
    std::map<std::string, std::set<std::string>> parents;
    for (const auto& leaves : all) {
        for (const Leaf& leaf : leaves) parents[leaf.member].insert(leaf.parent);
    }
    std::set<std::string> common;
    for (const auto& [member, of] : parents) {
        if (of.size() > 1) common.insert(member);
    }
    return common;
}

// What a variable for this member may be called: target_refs, refs, ref, target.
std::vector<std::string> names_of(const std::string& member) {
    std::vector<std::string> names{member};
    std::size_t at = 0;
    for (std::size_t end = 0; end != std::string::npos; at = end + 1) {
        end = member.find('_', at);
        names.push_back(member.substr(at, end == std::string::npos ? end : end - at));
        if (names.back().ends_with('s')) {
            names.push_back(names.back().substr(0, names.back().size() - 1));
        }
    }
    return names;
}

TEST(Fields, EachIsRead) {
    const auto proxy = leaves_of<api::DataplaneConfig>();
    const auto pool = leaves_of<api::ConnectionPoolSpec>();
    const auto policy = leaves_of<api::BackpressureSpec>();
    const std::set<std::string> common = common_names({proxy, pool, policy});
    const auto expect_read = [&](const std::vector<Leaf>& leaves,
                                 const std::vector<std::string>& folders) {
        const std::set<std::string> read = accesses(folders);
        for (const Leaf& leaf : leaves) {
            const bool is_common = common.contains(leaf.member) && !leaf.parent.empty();
            bool is_read = !is_common && read.contains(leaf.member);
            for (const std::string& parent : names_of(leaf.parent)) {
                is_read = is_read || read.contains(parent + "." + leaf.member);
            }
            EXPECT_TRUE(is_read) << leaf.path << ": nothing reads `" << leaf.parent << "."
                                 << leaf.member << "` in " << folders.front()
                                 << "; build what its text promises, or remove it";
        }
    };
    expect_read(proxy, {"dataplane"});
    // What the operator hands on to proxies as it is, they read.
    expect_read(pool, {"operator", "dataplane"});
    expect_read(policy, {"operator"});
}

TEST(Fields, EachOfAProxyIsTriedByItsEffect) {
    const std::vector<std::string> lines =
        lines_of(std::filesystem::path(PENSTOCK_SOURCE_DIR) / "tests/integration/test_fields.py");
    ASSERT_FALSE(lines.empty());
    std::set<std::string> cases;
    static const std::regex line_of_case(R"re(^    "([\w.]+)": "\w+\.py::\w+",$)re");
    for (const std::string& line : lines) {
        std::smatch match;
        if (std::regex_match(line, match, line_of_case)) cases.insert(match[1]);
    }
    for (const Leaf& leaf : leaves_of<api::DataplaneConfig>()) {
        EXPECT_EQ(cases.erase(leaf.path), 1U)
            << leaf.path << ": CASES in tests/integration/test_fields.py has no test for it";
    }
    EXPECT_TRUE(cases.empty()) << *cases.begin() << " is no field; take it off CASES";
}

}  // namespace
}  // namespace penstock::tidy
