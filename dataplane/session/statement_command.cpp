#include "dataplane/session/statement_command.hpp"

#include "dataplane/session/sql_characters.hpp"

#include <algorithm>
#include <array>

namespace penstock::session {
namespace {

using Kind = StatementCommand::Kind;

// PostgreSQL cuts longer names, which those of the protocol's messages are not.
constexpr std::size_t name_bytes_max = 63;

class Reader {
 public:
    explicit Reader(std::string_view text) : text_(text) {}

    std::size_t at() const { return at_; }
    std::string_view rest() const { return text_.substr(at_); }
    void skip(std::size_t count) { at_ = std::min(at_ + count, text_.size()); }

    void skip_blanks() {
        for (;;) {
            while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
            if (rest().starts_with("--")) {
                skip(std::min(rest().find('\n'), rest().size()));
            } else if (rest().starts_with("/*")) {
                skip_comment();
            } else {
                return;
            }
        }
    }
    // A word in lower case; empty if something else comes.
    std::string word() {
        skip_blanks();
        std::string word;
        if (rest().empty() || !begins_word(rest().front())) return word;
        while (at_ < text_.size() && is_of_word(text_[at_])) word += lower(text_[at_++]);
        return word;
    }
    // A name; empty if something else comes.
    std::string name() {
        skip_blanks();
        if (!rest().starts_with('"')) return word();
        std::string name;
        skip(1);
        while (!rest().empty()) {
            const char c = rest().front();
            skip(1);
            if (c == '"') {
                if (!rest().starts_with('"')) return name;
                skip(1);
            }
            name += c;
        }
        return {};
    }
    // Does the command go on to the end of the text? False also where that is hard to tell.
    bool is_last_command() {
        for (;;) {
            skip_blanks();
            if (rest().empty()) return true;
            const char c = rest().front();
            if (c == ';') {
                while (rest().starts_with(';')) {
                    skip(1);
                    skip_blanks();
                }
                return rest().empty();
            }
            if (c == '\\' || c == '$') {
                // A parameter ($1) at most.
                if (c == '\\' || rest().size() < 2 || rest()[1] < '0' || rest()[1] > '9')
                    return false;
                skip(2);
            } else if (c == '\'' || c == '"') {
                const std::size_t end = rest().find(c, 1);
                if (end == std::string_view::npos) return false;
                if (rest().substr(0, end).find('\\') != std::string_view::npos) return false;
                skip(end + 1);
            } else {
                skip(1);
            }
        }
    }

 private:
    void skip_comment() {
        std::size_t depth = 0;
        while (!rest().empty()) {
            if (rest().starts_with("/*")) {
                ++depth;
                skip(2);
            } else if (rest().starts_with("*/")) {
                skip(2);
                if (--depth == 0) return;
            } else {
                skip(1);
            }
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

Kind kind_of(std::string_view word) {
    if (word == "deallocate") return Kind::Deallocate;
    if (word == "discard") return Kind::DeallocateAll;
    if (word == "execute") return Kind::Execute;
    if (word == "prepare") return Kind::Prepare;
    return Kind::None;
}

constexpr std::array<std::string_view, 14> reading_words{
    "array_nulls",
    "authorization",
    "backslash_quote",
    "bytea_output",
    "extra_float_digits",
    "lc_monetary",
    "role",
    "row_security",
    "schema",
    "search_path",
    "transform_null_equals",
    "timezone_abbreviations",
    "xmlbinary",
    "xmloption",
};
constexpr auto reading_firsts = [] {
    std::array<bool, 256> is_in{};
    for (const std::string_view word : reading_words)
        is_in[static_cast<unsigned char>(word.front())] = true;
    return is_in;
}();

}  // namespace

StatementCommand command_in(std::string_view sql) {
    if (!may_be_command(sql)) return {};
    Reader reader(sql);
    reader.skip_blanks();
    if (!may_be_command(reader.rest())) return {};
    StatementCommand command;
    command.kind = kind_of(reader.word());
    if (command.kind == Kind::None) return {};
    reader.skip_blanks();
    command.name_at = reader.at();
    bool is_quoted = reader.rest().starts_with('"');
    command.name = reader.name();
    if (command.kind == Kind::Deallocate && command.name == "prepare" && !is_quoted) {
        // A noise word, unless it is the name.
        const Reader behind_word = reader;
        reader.skip_blanks();
        const std::size_t at = reader.at();
        is_quoted = reader.rest().starts_with('"');
        std::string name = reader.name();
        if (name.empty()) {
            reader = behind_word;
        } else {
            command.name = std::move(name);
            command.name_at = at;
        }
    }
    command.name_size = reader.at() - command.name_at;
    const bool is_all = command.name == "all" && !is_quoted;
    if (command.kind == Kind::DeallocateAll && !is_all) return {};
    if (command.kind == Kind::Prepare && command.name == "transaction" && !is_quoted) return {};
    if (command.name.empty() || command.name.size() > name_bytes_max) return {};
    if (!reader.is_last_command()) return {};
    if (command.kind == Kind::Deallocate && is_all) command.kind = Kind::DeallocateAll;
    return command;
}

bool alters_reading(std::string_view sql) {
    const char* at = sql.data();
    const char* const end = at + sql.size();
    while (at < end) {
        const char* const begin = at++;
        if (!begins_word(*begin)) continue;
        while (at < end && is_of_word(*at)) ++at;
        const std::string_view word(begin, static_cast<std::size_t>(at - begin));
        const auto first = static_cast<unsigned char>(lower(word.front()));
        if (!reading_firsts[first]) continue;
        for (const std::string_view known : reading_words) {
            if (is_word(word, known)) return true;
        }
    }
    return false;
}

}  // namespace penstock::session
