// The house style that a machine can check (docs/style.md): words, lengths, header comments.
#include "tests/tidy/source_files.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::tidy {
namespace {

constexpr std::size_t lines_max = 500;

struct Ban {
    std::string word;
    std::string_view instead;
};

// Split in two, so that this file does not find itself.
const std::vector<Ban>& bans() {
    static const std::vector<Ban> words{
        {std::string("TO") + "DO", "open an issue"},
        {std::string("FIX") + "ME", "open an issue"},
        {std::string("HA") + "CK", "say why it is needed, or do it right"},
        {std::string("for") + " now", "say what holds, not for how long"},
        {std::string("detach") + "(", "own the thread and join it"},
        {std::string("#pragma") + " GCC", "mend what the compiler warns of"},
        {std::string("NO") + "LINT", "change the rule in .clang-tidy, with a reason, or the code"},
    };
    return words;
}

// In comments the words stand for a past that the reader does not know.
const std::vector<Ban>& comment_bans() {
    static const std::vector<Ban> words{
        {"used to be", "say what is"},
        {"previously", "say what is"},
        {"refactor", "say what is"},
    };
    return words;
}

// Words that name nothing, at the end of a type's name.
const std::vector<std::string>& empty_names() {
    static const std::vector<std::string> names{"Manager", "Helper", "Util", "Utils", "Impl"};
    return names;
}

std::vector<SourceFile> all_code() {
    return source_files({"crds", "dataplane", "operator", "tests"}, {".hpp", ".cpp", ".py"});
}

std::string comment_of(std::string_view line) {
    const std::size_t at = line.find("//");
    return at == std::string_view::npos ? "" : std::string(line.substr(at));
}

TEST(Style, NoBannedWords) {
    for (const SourceFile& file : all_code()) {
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            for (const Ban& ban : bans()) {
                EXPECT_EQ(file.lines[i].find(ban.word), std::string::npos)
                    << place(file, i) << ": `" << ban.word << "`: " << ban.instead;
            }
            const bool is_cpp = !file.path.ends_with(".py") && file.path.find("tests/tidy/") != 0;
            for (const Ban& ban : comment_bans()) {
                EXPECT_TRUE(
                    !is_cpp || comment_of(file.lines[i]).find(ban.word) == std::string::npos
                ) << place(file, i)
                  << ": `" << ban.word << "` in a comment: " << ban.instead;
            }
        }
    }
}

TEST(Style, FilesAreShort) {
    for (const SourceFile& file : all_code()) {
        EXPECT_LE(file.lines.size(), lines_max) << file.path << ": split it along its subjects";
    }
}

TEST(Style, NoTabsAndNoTrailingBlanks) {
    for (const SourceFile& file : all_code()) {
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            EXPECT_EQ(file.lines[i].find('\t'), std::string::npos)
                << place(file, i) << ": use four blanks";
            EXPECT_FALSE(file.lines[i].ends_with(' ')) << place(file, i) << ": blanks at the end";
        }
    }
}

TEST(Style, HeadersSayWhatTheyAreAndAreReadOnce) {
    for (const SourceFile& file :
         source_files({"crds", "dataplane", "operator", "tests"}, {".hpp"})) {
        ASSERT_FALSE(file.lines.empty()) << file.path << ": is empty";
        EXPECT_EQ(file.lines[0].find("// "), 0U)
            << file.path << ":1: begin with what it is, who owns it and on which thread it lives";
        bool once = false;
        for (const std::string& line : file.lines) once = once || line == "#pragma once";
        EXPECT_TRUE(once) << file.path << ": add #pragma once";
    }
}

TEST(Style, TypesHaveNamesThatSaySomething) {
    for (const SourceFile& file :
         source_files({"crds", "dataplane", "operator"}, {".hpp", ".cpp"})) {
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            const std::string& line = file.lines[i];
            if (line.find("struct ") == std::string::npos &&
                line.find("class ") == std::string::npos)
                continue;
            for (const std::string& name : empty_names()) {
                EXPECT_EQ(code_of(line).find(name + " "), std::string::npos)
                    << place(file, i) << ": name what it does, not `" << name << "`";
            }
        }
    }
}

TEST(Style, TestNamesAreSentences) {
    for (const SourceFile& file : source_files({"tests"}, {".cpp"})) {
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            const std::string& line = file.lines[i];
            if (line.find("TEST(") != 0 && line.find("TEST_F(") != 0) continue;
            EXPECT_EQ(line.substr(0, line.find(')')).find('_', 6), std::string::npos)
                << place(file, i) << ": PascalCase without underscores, as GoogleTest asks";
        }
    }
}

}  // namespace
}  // namespace penstock::tidy
