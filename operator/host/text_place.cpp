#include "operator/host/text_place.hpp"

#include <cctype>
#include <string>
#include <vector>

namespace penstock::host {

namespace {

struct Line {
    int number = 0;
    std::size_t indent = 0;   // of the first letter that is no list dash
    bool is_element = false;  // begins with a dash
    std::string_view text;    // without indentation and dashes
};

bool is_separator(std::string_view line) {
    return line.substr(0, 3) == "---" && (line.size() == 3 || line[3] == ' ');
}

// The lines of each document that say something.
std::vector<std::vector<Line>> split(std::string_view text) {
    std::vector<std::vector<Line>> documents(1);
    int number = 0;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        ++number;
        if (is_separator(line)) {
            if (!documents.back().empty()) documents.emplace_back();
            line.remove_prefix(3);
        }
        Line found{number, 0, false, line};
        while (!found.text.empty() && (found.text[0] == ' ' || found.text.substr(0, 2) == "- ")) {
            found.is_element = found.is_element || found.text[0] == '-';
            found.text.remove_prefix(1);
            ++found.indent;
        }
        if (!found.text.empty() && found.text[0] != '#') documents.back().push_back(found);
    }
    return documents;
}

// "spec.targetRefs[2].name" -> "spec", "targetRefs", "[2]", "name"
std::vector<std::string> steps_of(std::string_view path) {
    std::vector<std::string> steps;
    bool is_open = false;
    for (const char letter : path) {
        if (letter == '.' && (steps.empty() || steps.back()[0] != '[' || !is_open)) {
            is_open = false;
            continue;
        }
        if (letter == '[' || !is_open) steps.emplace_back();
        is_open = letter != ']';
        steps.back() += letter;
    }
    return steps;
}

bool has_key(const Line& line, const std::string& key) {
    std::string_view text = line.text;
    const bool is_quoted = !text.empty() && (text[0] == '"' || text[0] == '\'');
    if (is_quoted) text.remove_prefix(1);
    if (text.substr(0, key.size()) != key) return false;
    text.remove_prefix(key.size() + (is_quoted && text.size() > key.size() ? 1U : 0U));
    return !text.empty() && text[0] == ':';
}

// Index and indentation of what the path has led to so far.
struct Cursor {
    std::size_t at = 0;
    std::size_t indent = 0;
    bool is_top = true;
};

// The first line inside the cursor's value at which `fits` holds.
template <class Fits>
bool descend(const std::vector<Line>& lines, Cursor& cursor, const Fits& fits) {
    const std::size_t first = cursor.is_top ? 0 : cursor.at;
    for (std::size_t i = first; i < lines.size(); ++i) {
        const bool is_own_line = !cursor.is_top && i == cursor.at;
        if (!cursor.is_top && !is_own_line && lines[i].indent <= cursor.indent) return false;
        if (is_own_line && !lines[i].is_element) continue;
        if (!fits(lines[i])) continue;
        cursor = {i, lines[i].indent, false};
        return true;
    }
    return false;
}

}  // namespace

int line_of(std::string_view text, std::size_t document, std::string_view field_path) {
    const auto documents = split(text);
    if (document >= documents.size() || documents[document].empty()) return 1;
    const auto& lines = documents[document];
    Cursor cursor;
    for (const std::string& step : steps_of(field_path)) {
        bool found = false;
        if (step[0] == '[') {
            const bool is_index = std::isdigit(static_cast<unsigned char>(step[1])) != 0;
            if (is_index) {
                std::size_t left = static_cast<std::size_t>(std::stoul(step.substr(1)));
                found = descend(lines, cursor, [&](const Line& line) {
                    return line.is_element && left-- == 0;
                });
                // The element's own keys stand at its indentation, from this line on.
                if (found && cursor.indent > 0) --cursor.indent;
            } else {
                const std::string key = step.substr(1, step.size() - 2);
                found =
                    descend(lines, cursor, [&](const Line& line) { return has_key(line, key); });
            }
        } else {
            found = descend(lines, cursor, [&](const Line& line) { return has_key(line, step); });
        }
        if (!found) break;
    }
    return lines[cursor.at].number;
}

}  // namespace penstock::host
