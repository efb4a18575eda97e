#include "crds/api/pattern.hpp"

#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

// The schema's expression and the test in C++ must agree on every text.
void agree(const Pattern& pattern, const std::vector<std::string>& texts) {
    const std::regex regex{std::string{pattern.regex}, std::regex::ECMAScript};
    for (const std::string& text : texts) {
        EXPECT_EQ(pattern.matches(text), std::regex_search(text, regex)) << "text: " << text;
    }
}

// All texts of up to `longest` characters out of `alphabet`.
std::vector<std::string> all_texts(std::string_view alphabet, std::size_t longest) {
    std::vector<std::string> texts{""};
    for (std::size_t begin = 0, length = 1; length <= longest; ++length) {
        const std::size_t end = texts.size();
        for (std::size_t i = begin; i < end; ++i) {
            for (char c : alphabet) texts.push_back(texts[i] + c);
        }
        begin = end;
    }
    return texts;
}

TEST(Pattern, RegexAndTestAgree) {
    agree(patterns::dns_subdomain, all_texts("a0-.A", 5));
    agree(patterns::dns_label, all_texts("a0-.A", 5));
    agree(patterns::host, all_texts("aA0-_:/. ", 4));
    agree(patterns::secret_key, all_texts("aA0-_./", 5));
    agree(patterns::camel_case, all_texts("aA0-", 5));
}

TEST(Pattern, NamespacedNameHasTwoParts) {
    EXPECT_TRUE(patterns::is_namespaced_name("shop/main"));
    EXPECT_FALSE(patterns::is_namespaced_name("main"));
    EXPECT_FALSE(patterns::is_namespaced_name("/main"));
    EXPECT_FALSE(patterns::is_namespaced_name("shop/"));
    EXPECT_FALSE(patterns::is_namespaced_name("shop/main/x"));
}

}  // namespace
}  // namespace penstock::api
