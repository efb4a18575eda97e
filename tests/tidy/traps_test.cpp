// docs/protocol-traps.md names the test that holds each trap: it must be there.
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>

#include <gtest/gtest.h>

namespace penstock::tidy {
namespace {

// The folders that the table shortens.
std::string whole_path(const std::string& written) {
    if (written.starts_with("D/")) return "tests/integration/differential" + written.substr(1);
    if (written.starts_with("U/")) return "tests/unit/dataplane" + written.substr(1);
    return "tests/" + written;
}

std::string text_of(const std::string& path) {
    std::ifstream file(std::string(PENSTOCK_SOURCE_DIR) + "/" + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Traps, EachNamedTestIsThere) {
    const std::string table = text_of("docs/protocol-traps.md");
    ASSERT_FALSE(table.empty());
    const std::regex name_of_a_test("`([A-Za-z0-9_/.]+)::([^`]+)`");
    std::map<std::string, std::string> texts;
    int names = 0;
    for (std::sregex_iterator at(table.begin(), table.end(), name_of_a_test), end; at != end;
         ++at) {
        const std::string path = whole_path((*at)[1]);
        const auto [known, is_new] = texts.try_emplace(path);
        if (is_new) known->second = text_of(path);
        const std::string test = (*at)[2];
        const std::string last = test.substr(test.rfind('.') + 1);
        EXPECT_NE(known->second.find(last), std::string::npos) << path << " has no " << test;
        ++names;
    }
    EXPECT_GT(names, 90);
}

}  // namespace
}  // namespace penstock::tidy
