// Characters of SQL by what they may be part of (manual, "Lexical Structure").
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace penstock::session {

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Tables: most characters that are looked at are of words.
inline constexpr auto word_beginnings = [] {
    std::array<bool, 256> is_in{};
    for (std::size_t i = 0; i < is_in.size(); ++i) {
        const char c = lower(static_cast<char>(i));
        is_in[i] = (c >= 'a' && c <= 'z') || c == '_' || i >= 0x80;
    }
    return is_in;
}();
inline constexpr auto word_characters = [] {
    std::array<bool, 256> is_in = word_beginnings;
    for (const char c : std::string_view("0123456789$"))
        is_in[static_cast<unsigned char>(c)] = true;
    return is_in;
}();

// May a word (a key word, or a name without quotes) begin with it?
constexpr bool begins_word(char c) { return word_beginnings[static_cast<unsigned char>(c)]; }
constexpr bool is_of_word(char c) { return word_characters[static_cast<unsigned char>(c)]; }

// Is the text this word, which is given in lower case?
constexpr bool is_word(std::string_view text, std::string_view lower_word) {
    if (text.size() != lower_word.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (lower(text[i]) != lower_word[i]) return false;
    }
    return true;
}

}  // namespace penstock::session
