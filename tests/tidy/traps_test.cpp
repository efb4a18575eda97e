// docs/protocol-traps.md names the test that holds each trap: it must be there.
#include "tests/tidy/source_files.hpp"

#include <regex>
#include <string>

#include <gtest/gtest.h>

namespace penstock::tidy {
namespace {

TEST(Traps, EachNamedTestIsThere) {
    std::string tests;
    for (const SourceFile& file : source_files({"tests"}, {".cpp", ".hpp", ".py"}))
        for (const std::string& line : file.lines) tests.append(line) += '\n';
    const std::regex name_of_a_test("`[A-Za-z0-9_/.]+::([^`]+)`");
    int names = 0;
    const auto table = lines_of(std::string(PENSTOCK_SOURCE_DIR) + "/docs/protocol-traps.md");
    for (const std::string& line : table) {
        for (std::sregex_iterator at(line.begin(), line.end(), name_of_a_test), end; at != end;
             ++at) {
            EXPECT_NE(tests.find((*at)[1]), std::string::npos) << "no test has " << (*at)[1];
            ++names;
        }
    }
    EXPECT_GT(names, 90);
}

}  // namespace
}  // namespace penstock::tidy
