#include "dataplane/session/statement_command.hpp"

#include "dataplane/session/sql_characters.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace penstock::session {
namespace {

using Kind = StatementCommand::Kind;

// PostgreSQL cuts longer names, which those of the protocol's messages are not.
constexpr std::size_t name_bytes_max = 63;

// Reads a text by PostgreSQL's tokens (manual, "Lexical Structure").
class Reader {
 public:
    Reader(std::string_view text, Backslashes backslashes)
        : text_(text), has_escapes_(backslashes == Backslashes::Escape) {}

    std::size_t at() const { return at_; }
    std::string_view rest() const { return text_.substr(at_); }
    void skip(std::size_t count) { at_ = std::min(at_ + count, text_.size()); }

    void skip_blanks() {
        for (;;) {
            while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
            if (rest().starts_with("--")) {
                skip(std::min(rest().find_first_of("\r\n"), rest().size()));
            } else if (rest().starts_with("/*")) {
                skip_comment();
            } else {
                return;
            }
        }
    }
    // As it is written; empty if something else comes.
    std::string_view word() {
        skip_blanks();
        const std::size_t begin = at_;
        if (rest().empty() || !begins_word(rest().front())) return {};
        while (at_ < text_.size() && is_of_word(text_[at_])) ++at_;
        return text_.substr(begin, at_ - begin);
    }
    // As PostgreSQL reads it; empty if something else comes, also a name with escapes (U&"").
    std::string name() {
        skip_blanks();
        std::string name;
        if (!rest().starts_with('"')) {
            const std::string_view written = word();
            if (is_word(written, "u") && rest().starts_with("&\"")) return name;
            std::ranges::transform(written, std::back_inserter(name), lower);
            return name;
        }
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
    bool is_at_end() const { return rest().empty() || rest().front() == ';'; }
    void skip_token() {
        skip_blanks();
        if (is_at_end()) return;
        const char c = rest().front();
        if (begins_word(c)) {
            const std::string_view prefix = word();
            if (!rest().starts_with('\'')) return;
            if (is_word(prefix, "e")) return skip_string(true);
            const bool is_plain = is_word(prefix, "b") || is_word(prefix, "x");
            skip_string(!is_plain && has_escapes_);
        } else if (c == '\'') {
            const bool is_unicode =
                at_ > 1 && text_[at_ - 1] == '&' && lower(text_[at_ - 2]) == 'u';
            skip_string(!is_unicode && has_escapes_);
        } else if (c == '"') {
            skip(1);
            skip(std::min(rest().find('"'), rest().size()) + 1);
        } else if (c == '$') {
            skip_dollar_quote();
        } else {
            skip(1);
        }
    }
    // What stands in brackets, if they come next.
    void skip_brackets() {
        skip_blanks();
        std::size_t depth = 0;
        while (!is_at_end()) {
            const char c = rest().front();
            if (depth == 0 && c != '(') return;
            if (c == '(') ++depth;
            if (c == ')') --depth;
            skip_token();
            skip_blanks();
        }
    }
    void skip_statement() {
        skip_blanks();
        while (!is_at_end()) {
            skip_token();
            skip_blanks();
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
    void skip_string(bool has_escapes) {
        skip(1);
        while (!rest().empty()) {
            const char c = rest().front();
            skip(has_escapes && c == '\\' ? 2 : 1);
            if (c != '\'') continue;
            if (!rest().starts_with('\'')) {
                // Over a line's end a string may go on.
                const std::size_t next = rest().find_first_not_of(" \t\n\r\f\v");
                const bool goes_on =
                    next != std::string_view::npos && rest()[next] == '\'' &&
                    rest().substr(0, next).find_first_of("\r\n") != std::string_view::npos;
                if (!goes_on) return;
                skip(next);
            }
            skip(1);
        }
    }
    void skip_dollar_quote() {
        const std::size_t end = rest().find('$', 1);
        const bool is_tag = end != std::string_view::npos && (end == 1 || begins_word(rest()[1])) &&
                            std::ranges::all_of(rest().substr(1, end - 1), is_of_word);
        if (!is_tag) return skip(1);
        const std::string_view tag = rest().substr(0, end + 1);
        skip(tag.size());
        const std::size_t close = rest().find(tag);
        skip(close == std::string_view::npos ? rest().size() : close + tag.size());
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool has_escapes_;
};

// Behind CREATE: ... TABLE ... AS EXECUTE
bool creates_by_execute(Reader& reader) {
    std::string_view word = reader.word();
    for (const std::string_view kind : {"global", "local", "temporary", "temp", "unlogged"}) {
        if (is_word(word, kind)) word = reader.word();
    }
    if (!is_word(word, "table")) return false;
    bool is_behind_as = false;
    for (reader.skip_blanks(); !reader.is_at_end(); reader.skip_blanks()) {
        if (!begins_word(reader.rest().front())) {
            reader.skip_brackets();
            if (!reader.is_at_end() && !begins_word(reader.rest().front())) reader.skip_token();
            is_behind_as = false;
            continue;
        }
        word = reader.word();
        if (is_behind_as) return is_word(word, "execute");
        is_behind_as = is_word(word, "as");
    }
    return false;
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

// Behind EXPLAIN.
bool explains_execute(Reader& reader) {
    reader.skip_brackets();
    std::string_view word = reader.word();
    if (is_word(word, "analyze") || is_word(word, "analyse")) word = reader.word();
    if (is_word(word, "verbose")) word = reader.word();
    return is_word(word, "execute") || (is_word(word, "create") && creates_by_execute(reader));
}

// The name comes next, if it is any.
Kind kind_of(Reader& reader) {
    const std::string_view word = reader.word();
    switch (word.empty() ? ' ' : lower(word.front())) {
        case 'c':
            return is_word(word, "create") && creates_by_execute(reader) ? Kind::Execute
                                                                         : Kind::None;
        case 'd':
            if (is_word(word, "deallocate")) return Kind::Deallocate;
            return is_word(word, "discard") ? Kind::DeallocateAll : Kind::None;
        case 'e':
            if (is_word(word, "execute")) return Kind::Execute;
            return is_word(word, "explain") && explains_execute(reader) ? Kind::Execute
                                                                        : Kind::None;
        case 'p':
            return is_word(word, "prepare") ? Kind::Prepare : Kind::None;
        default:
            return Kind::None;
    }
}

// The next statement's.
StatementCommand read_command(Reader& reader) {
    StatementCommand command;
    command.kind = kind_of(reader);
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
    if (command.kind == Kind::Deallocate && is_all) command.kind = Kind::DeallocateAll;
    return command;
}

}  // namespace

bool begins_as_command(std::string_view sql) {
    Reader reader(sql, Backslashes::Plain);
    reader.skip_blanks();
    switch (reader.rest().empty() ? ' ' : lower(reader.rest().front())) {
        case 'c':
        case 'd':
        case 'e':
        case 'p': {
            const std::string_view word = reader.word();
            return is_word(word, "execute") || is_word(word, "deallocate") ||
                   is_word(word, "discard") || is_word(word, "prepare") ||
                   is_word(word, "explain") || is_word(word, "create");
        }
        default:
            return false;
    }
}

std::vector<StatementCommand> commands_in(std::string_view sql, Backslashes backslashes) {
    std::vector<StatementCommand> commands;
    Reader reader(sql, backslashes);
    while (!reader.rest().empty()) {
        StatementCommand command = read_command(reader);
        if (command.kind != Kind::None) commands.push_back(std::move(command));
        reader.skip_statement();
        reader.skip(1);
    }
    return commands;
}

StatementCommand command_in(std::string_view sql, Backslashes backslashes) {
    Reader reader(sql, backslashes);
    const StatementCommand command = read_command(reader);
    if (command.kind == Kind::None) return {};
    reader.skip_statement();
    for (; reader.rest().starts_with(';'); reader.skip_blanks()) reader.skip(1);
    return reader.rest().empty() ? command : StatementCommand{};
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
