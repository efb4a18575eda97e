#include "tests/support/fake_sql.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace penstock::test {

std::string_view bare(std::string_view sql) {
    const auto trim = [&] {
        while (!sql.empty() && sql.front() == ' ') sql.remove_prefix(1);
        while (!sql.empty() && sql.back() == ' ') sql.remove_suffix(1);
    };
    trim();
    if (sql.starts_with("/*")) {
        const std::size_t end = sql.find("*/");
        sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 2);
        trim();
    }
    return sql;
}

std::string quoted_in(std::string_view sql) {
    const std::size_t first = sql.find('\'');
    const std::size_t last = sql.rfind('\'');
    return first == last ? std::string{} : std::string{sql.substr(first + 1, last - first - 1)};
}

std::string literal_in(std::string_view sql) {
    std::string value;
    const std::string written = quoted_in(sql);
    const bool has_escapes = sql.find("E'") != std::string_view::npos;
    for (std::size_t i = 0; i < written.size(); ++i) {
        if (written[i] == '\'' || (has_escapes && written[i] == '\\')) ++i;
        if (i < written.size()) value += written[i];
    }
    return value;
}

bool returns_rows(std::string_view sql) {
    return bare(sql).starts_with("SELECT") || bare(sql).starts_with("SHOW");
}

bool ends_transaction(std::string_view sql) {
    return bare(sql) == "COMMIT" || bare(sql) == "ROLLBACK";
}

bool is_understood(std::string_view sql) {
    const std::string_view text = bare(sql);
    constexpr std::array<std::string_view, 11> beginnings{
        "SELECT",
        "INSERT ",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SET ",
        "SHOW ",
        "COPY ",
        "DISCARD ALL",
        "DEALLOCATE ALL",
        "RESET "};
    return text.empty() ||
           std::ranges::any_of(beginnings, [&](std::string_view b) { return text.starts_with(b); });
}

std::string with_literals(std::string_view sql, std::string_view style) {
    constexpr std::string_view word = "SELECT literal '";
    const std::size_t at = sql.find(word);
    std::string text(sql);
    if (at == std::string_view::npos) return text;
    std::string fixed = "SELECT '";
    fixed.append(style).append("|");
    return text.replace(at, word.size(), fixed);
}

std::string tag_in(std::string_view text) {
    for (std::size_t at = text.find('c'); at != std::string_view::npos;
         at = text.find('c', at + 1)) {
        std::size_t end = at + 1;
        while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
        if (end > at + 1 && end < text.size() && text[end] == '.')
            return std::string{text.substr(at, end + 1 - at)};
    }
    return {};
}

}  // namespace penstock::test
