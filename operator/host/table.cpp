#include "operator/host/table.hpp"

#include <algorithm>
#include <cctype>
#include <ctime>

namespace penstock::host {

std::string print_table(const std::vector<Row>& rows) {
    constexpr std::size_t gap = 3;
    std::vector<std::size_t> widths;
    for (const Row& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (const Row& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] + gap - row[i].size(), ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

std::string print_age(std::chrono::seconds age) {
    const long long s = std::max(0LL, static_cast<long long>(age.count()));
    const long long minutes = s / 60, hours = s / 3600, days = s / 86400;
    const auto two = [](long long big, const char* unit, long long small, const char* smaller) {
        return std::to_string(big) + unit + (small == 0 ? "" : std::to_string(small) + smaller);
    };
    if (s < 120) return std::to_string(s) + "s";
    if (minutes < 10) return two(minutes, "m", s % 60, "s");
    if (hours < 3) return std::to_string(minutes) + "m";
    if (hours < 8) return two(hours, "h", minutes % 60, "m");
    if (hours < 48) return std::to_string(hours) + "h";
    if (days < 8) return two(days, "d", hours % 24, "h");
    if (days < 2 * 365) return std::to_string(days) + "d";
    return two(days / 365, "y", days % 365, "d");
}

std::int64_t parse_time(std::string_view text) {
    std::tm time{};
    const std::string copy(text);
    const char* end = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
    if (end == nullptr || copy.back() != 'Z') return -1;
    return ::timegm(&time);
}

std::string title(std::string_view field_name) {
    std::string words;
    for (std::size_t i = 0; i < field_name.size(); ++i) {
        const auto is_upper = [&](std::size_t at) {
            return at < field_name.size() &&
                   std::isupper(static_cast<unsigned char>(field_name[at])) != 0;
        };
        // "caSecretRef" and "queryP99Milliseconds": a word begins at a capital that follows a small
        // letter or a digit.
        if (i > 0 && is_upper(i) && !is_upper(i - 1)) words += ' ';
        const char letter = field_name[i];
        words +=
            i == 0 ? static_cast<char>(std::toupper(static_cast<unsigned char>(letter))) : letter;
    }
    return words;
}

}  // namespace penstock::host
