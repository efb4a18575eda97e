#include "dataplane/session/statement_text.hpp"

#include "dataplane/session/parameters.hpp"
#include "dataplane/session/sql_characters.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace penstock::session {
namespace {

// Of a longer text only so much is looked at.
constexpr std::size_t looked_at_max = 64 * 1024;

// Below this a loop of our own is quicker than a call of memchr() for each character wanted.
constexpr std::size_t short_text_max = 128;

bool contains(std::string_view text, std::string_view lower_word) {
    const auto same_char = [](char a, char b) { return lower(a) == b; };
    return std::search(text.begin(), text.end(), lower_word.begin(), lower_word.end(), same_char) !=
           text.end();
}

// Reads a text from its front by words, quotes and comments (manual, "Lexical Structure").
class Scanner {
 public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    std::string_view rest() const { return rest_; }
    bool at_end() const { return rest_.empty(); }
    void skip(std::size_t count) { rest_.remove_prefix(std::min(count, rest_.size())); }

    void skip_blanks() {
        if (!rest_.empty() && is_of_word(rest_.front())) return;
        for (;;) {
            while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
            if (rest_.starts_with("--")) {
                skip(std::min(rest_.find('\n'), rest_.size()));
            } else if (rest_.starts_with("/*")) {
                skip_comment();
            } else {
                return;
            }
        }
    }
    // The next word, or an empty view if something else comes.
    std::string_view word() {
        skip_blanks();
        const auto* const end = std::ranges::find_if_not(rest_, is_of_word);
        const std::string_view word(rest_.begin(), end);
        skip(word.size());
        return word;
    }
    // A word or what stands in double quotes.
    std::string_view name() {
        skip_blanks();
        if (!rest_.starts_with('"')) return word();
        const std::string_view quoted = rest_.substr(1);
        const std::size_t end = std::min(quoted.find('"'), quoted.size());
        skip(end + 2);
        return quoted.substr(0, end);
    }
    // Up to the next ';' outside of quotes and comments, or to the end.
    void skip_statement() {
        char before = ' ';
        while (!rest_.empty() && rest_.front() != ';') {
            const char c = rest_.front();
            if (c == '\'') {
                skip_string(lower(before) == 'e');
            } else if (c == '"') {
                skip(
                    rest_.find('"', 1) == std::string_view::npos ? rest_.size()
                                                                 : rest_.find('"', 1) + 1
                );
            } else if (c == '$' && !is_of_word(before)) {
                skip_dollar_quote();
            } else if (rest_.starts_with("--") || rest_.starts_with("/*")) {
                skip_blanks();
            } else {
                skip(1);
            }
            before = c;
        }
    }

 private:
    void skip_comment() {
        std::size_t depth = 0;
        while (!rest_.empty()) {
            if (rest_.starts_with("/*")) {
                ++depth;
                skip(2);
            } else if (rest_.starts_with("*/")) {
                skip(2);
                if (--depth == 0) return;
            } else {
                skip(1);
            }
        }
    }
    void skip_string(bool has_escapes) {
        skip(1);
        while (!rest_.empty()) {
            const char c = rest_.front();
            skip(has_escapes && c == '\\' ? 2 : 1);
            if (c == '\'') return;
        }
    }
    void skip_dollar_quote() {
        const std::size_t end = rest_.find('$', 1);
        const bool is_tag = end != std::string_view::npos &&
                            std::ranges::all_of(rest_.substr(1, end - 1), is_of_word) &&
                            !(end > 1 && rest_[1] >= '0' && rest_[1] <= '9');
        if (!is_tag) return skip(1);
        const std::string_view tag = rest_.substr(0, end + 1);
        skip(tag.size());
        const std::size_t close = rest_.find(tag);
        skip(close == std::string_view::npos ? rest_.size() : close + tag.size());
    }

    std::string_view rest_;
};

// Replayed wherever the client goes. search_path is reported by PostgreSQL 18 only.
bool is_replayed(std::string_view name) {
    const auto index = tracked_index(name);
    return index && *index < replayed_parameters && !is_word(name, "search_path");
}

// Behind SET: does it leave nothing that must be cleaned?
bool is_harmless_set(Scanner scanner) {
    std::string_view word = scanner.name();
    if (is_word(word, "local") || is_word(word, "transaction") || is_word(word, "constraints"))
        return true;
    if (is_word(word, "session")) word = scanner.name();
    if (is_word(word, "names")) return true;  // client_encoding
    if (is_word(word, "time")) return is_word(scanner.word(), "zone");
    return is_replayed(word);
}

// What a procedure or the body of a DO does is not seen: it may leave anything that can be removed.
Traces traces_of_code() {
    Traces traces;
    for (const Trace trace :
         {Trace::Settings,
          Trace::Channels,
          Trace::Cursors,
          Trace::Temporary,
          Trace::Sequences,
          Trace::Locks})
        traces.add(trace);
    return traces;
}

struct Judged {
    TextLook look;
    bool has_set = false;
    bool has_harmful_set = false;
    bool is_permanent = true;
    bool holds_nothing = true;
};

void judge(Scanner& scanner, Judged& judged) {
    const std::string_view first = scanner.word();
    const std::string_view statement = scanner.rest();
    switch (first.empty() ? ' ' : lower(first.front())) {
        case 's':
            if (is_word(first, "set")) {
                judged.has_set = true;
                judged.look.sets = true;
                if (!is_harmless_set(scanner)) judged.has_harmful_set = true;
            } else if (is_word(first, "show")) {
                Scanner behind = scanner;
                const bool is_name = is_word(behind.name(), "application_name");
                behind.skip_blanks();
                if (behind.rest().starts_with(';')) behind.skip(1);
                behind.skip_blanks();
                judged.look.shows_name = is_name && behind.at_end();
            } else if (is_word(first, "select")) {
                judged.is_permanent = false;  // INTO
            }
            return;
        case 'w':
            judged.is_permanent = false;
            return;
        case 'l':
            if (is_word(first, "listen")) judged.look.listens = true;
            return;
        case 'd':
            if (is_word(first, "declare") && contains(statement, "hold"))
                judged.holds_nothing = false;
            if (is_word(first, "do")) {
                judged.look.calls.add(traces_of_code());
                judged.look.sets = true;
                judged.look.hides_deallocation =
                    contains(statement, "deallocate") || contains(statement, "discard");
            }
            return;
        case 'c':
            if (is_word(first, "create") && contains(statement, "temp"))
                judged.is_permanent = false;
            if (is_word(first, "call")) {
                judged.look.calls.add(traces_of_code());
                judged.look.sets = true;
            }
            return;
        default:
            return;
    }
}

// Of set_config(name, value, is_local): what stands between the brackets, as far as it is seen.
bool is_harmless_set_config(std::string_view arguments) {
    Scanner scanner(arguments);
    scanner.skip_blanks();
    if (scanner.rest().starts_with('\'')) {
        const std::string_view name = scanner.rest().substr(1);
        if (is_replayed(name.substr(0, name.find('\'')))) return true;
    }
    std::string_view all = arguments.substr(0, arguments.find(')'));
    while (!all.empty() && is_blank(all.back())) all.remove_suffix(1);
    constexpr std::string_view yes = "true";
    return all.size() > yes.size() && is_word(all.substr(all.size() - yes.size()), yes);
}

void judge_call(std::string_view name, std::string_view behind, TextLook& look) {
    const auto ends_in = [name](std::string_view word) {
        return name.size() >= word.size() && is_word(name.substr(name.size() - word.size()), word);
    };
    switch (lower(name.back())) {
        case 'l':
            if (ends_in("nextval") || ends_in("setval")) look.calls.add(Trace::Sequences);
            return;
        case 'k':
            if (ends_in("pg_advisory_lock") || ends_in("pg_try_advisory_lock"))
                look.calls.add(Trace::Locks);
            return;
        case 'd':
            if (ends_in("pg_advisory_lock_shared") || ends_in("pg_try_advisory_lock_shared"))
                look.calls.add(Trace::Locks);
            return;
        case 'g':
            if (!ends_in("set_config")) return;
            look.sets = true;
            if (!is_harmless_set_config(behind)) look.calls.add(Trace::Settings);
            return;
        default:
            return;
    }
}

// Every function that is called has its name before a '('.
void judge_calls(std::string_view sql, TextLook& look) {
    std::size_t at = sql.find('(');
    for (; at != std::string_view::npos; at = sql.find('(', at + 1)) {
        std::size_t end = at;
        while (end > 0 && is_blank(sql[end - 1])) --end;
        if (end > 0 && sql[end - 1] == '"') --end;
        std::size_t begin = end;
        while (begin > 0 && is_of_word(sql[begin - 1])) --begin;
        if (begin < end) judge_call(sql.substr(begin, end - begin), sql.substr(at + 1), look);
    }
}

// First letters of words none of which judge() knows.
constexpr auto ordinary_firsts = [] {
    std::array<bool, 256> is_in{};
    for (const char c : std::string_view("abefghijkmnopqrtuvxyz")) {
        is_in[static_cast<unsigned char>(c)] = true;
        is_in[static_cast<unsigned char>(c) - ('a' - 'A')] = true;
    }
    return is_in;
}();

using Word = std::uint64_t;
constexpr Word in_each_byte = 0x0101010101010101;

Word word_at(const char* at) {
    Word word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
}

// Not zero: one of the word's bytes is zero.
constexpr Word zero_bytes(Word word) { return (word - in_each_byte) & ~word & in_each_byte << 7; }

// Which of the characters that need a closer look are in a text.
struct Marks {
    bool has_bracket = false;    // '('
    bool has_semicolon = false;  // before the text's end
};

Marks marks_in(std::string_view text) {
    const std::string_view inner = text.substr(0, text.size() - (text.ends_with(';') ? 1 : 0));
    if (text.size() > short_text_max || inner.size() < sizeof(Word)) {
        return {
            inner.find('(') != std::string_view::npos, inner.find(';') != std::string_view::npos};
    }
    const char* at = inner.data();
    const char* const last = at + inner.size() - sizeof(Word);
    Word brackets = zero_bytes(word_at(last) ^ '(' * in_each_byte);
    Word semicolons = zero_bytes(word_at(last) ^ ';' * in_each_byte);
    for (; at < last; at += sizeof(Word)) {
        brackets |= zero_bytes(word_at(at) ^ '(' * in_each_byte);
        semicolons |= zero_bytes(word_at(at) ^ ';' * in_each_byte);
    }
    return {brackets != 0, semicolons != 0};
}

bool begins_with_select(std::string_view sql) {
    if (sql.size() < sizeof(Word)) return false;
    const Word letters = word_at("\xff\xff\xff\xff\xff\xff\0\0") & word_at(sql.data());
    const Word in_lower_case = letters | word_at("\x20\x20\x20\x20\x20\x20\0\0");
    return in_lower_case == word_at("select\0\0") && !is_of_word(sql[6]);
}

bool begins_with_set_local(std::string_view sql) {
    constexpr std::string_view words = "set local";
    return sql.size() > words.size() && is_blank(sql[words.size()]) &&
           is_word(sql.substr(0, words.size()), words);
}

// What judge() would find of a text by its first word, where a few letters show it.
enum class Opening : std::uint8_t { Ordinary, MayMakeTable, SetsLocally, NeedsCloserLook };

Opening opening_of(std::string_view sql) {
    constexpr std::size_t letters = 3;
    if (sql.size() < letters) return Opening::NeedsCloserLook;
    if (ordinary_firsts[static_cast<unsigned char>(sql[0])]) return Opening::Ordinary;
    if (begins_with_select(sql)) return Opening::MayMakeTable;
    const char second = lower(sql[1]);
    bool is_ordinary = false;
    switch (lower(sql[0])) {
        case 'c':  // COMMIT, COPY, CLOSE
            is_ordinary = second == 'o' || second == 'l';
            break;
        case 'd':  // DELETE, DROP
            is_ordinary = second == 'r' || (second == 'e' && lower(sql[2]) == 'l');
            break;
        case 'l':  // LOCK
            is_ordinary = second == 'o';
            break;
        case 's':  // SAVEPOINT, START
            if (begins_with_set_local(sql)) return Opening::SetsLocally;
            is_ordinary = second == 'a' || second == 't';
            break;
        case 'w':
            return Opening::MayMakeTable;
        default:
            break;
    }
    return is_ordinary ? Opening::Ordinary : Opening::NeedsCloserLook;
}

}  // namespace

void TextLook::add(const TextLook& other) {
    calls.add(other.calls);
    sets_harmlessly = sets_harmlessly && other.sets_harmlessly;
    is_permanent = is_permanent && other.is_permanent;
    holds_nothing = holds_nothing && other.holds_nothing;
    sets = sets || other.sets;
    hides_deallocation = hides_deallocation || other.hides_deallocation;
}

// Most texts are one statement of an ordinary kind.
TextLook look_at(std::string_view sql, bool is_whole) {
    const Opening opening = opening_of(sql);
    if (opening == Opening::NeedsCloserLook || sql.size() > looked_at_max)
        return look_closely_at(sql, is_whole);
    const Marks marks = marks_in(sql);
    if (marks.has_semicolon) return look_closely_at(sql, is_whole);
    TextLook look;
    look.sets = opening == Opening::SetsLocally;
    look.sets_harmlessly = is_whole && look.sets;
    look.is_permanent = is_whole && opening != Opening::MayMakeTable;
    look.holds_nothing = is_whole;
    if (marks.has_bracket) judge_calls(sql, look);
    return look;
}

TextLook look_closely_at(std::string_view sql, bool is_whole) {
    if (sql.size() > looked_at_max) {
        sql = sql.substr(0, looked_at_max);
        is_whole = false;
    }
    Judged judged;
    Scanner scanner(sql);
    scanner.skip_blanks();
    judge(scanner, judged);
    if (const std::size_t semicolon = scanner.rest().find(';');
        semicolon + 1 < scanner.rest().size() && semicolon != std::string_view::npos) {
        scanner.skip_statement();
        while (!scanner.at_end()) {
            scanner.skip(1);
            judge(scanner, judged);
            scanner.skip_statement();
        }
    }
    TextLook look = judged.look;
    judge_calls(sql, look);
    look.sets_harmlessly = is_whole && judged.has_set && !judged.has_harmful_set;
    look.is_permanent = is_whole && judged.is_permanent;
    look.holds_nothing = is_whole && judged.holds_nothing;
    look.shows_name = is_whole && look.shows_name;
    return look;
}

bool is_exit(std::string_view sql) {
    Scanner scanner(sql);
    const std::string_view first = scanner.word();
    if (is_word(first, "prepare")) return is_word(scanner.word(), "transaction");
    return is_word(first, "commit") || is_word(first, "rollback") || is_word(first, "end") ||
           is_word(first, "abort");
}

Traces traces_of_tag(std::string_view tag, TextLook look, bool has_rows) {
    if (tag.size() < 3) return {};
    switch (tag[0]) {
        case 'S':
            if (tag == "SET" && !look.sets_harmlessly) return Trace::Settings;
            if (!has_rows && !look.is_permanent && tag.starts_with("SELECT ") && tag != "SELECT 0")
                return Trace::Temporary;
            return {};
        case 'L':
            if (tag == "LISTEN") return Trace::Channels;
            if (tag == "LOAD") return Trace::Library;
            return {};
        case 'D':
            if (tag == "DECLARE CURSOR" && !look.holds_nothing) return Trace::Cursors;
            return {};
        case 'C':
            if (tag.starts_with("CREATE ") && !look.is_permanent) return Trace::Temporary;
            return {};
        default:
            return {};
    }
}

std::string cleaning_sql(Traces traces) {
    struct Command {
        Trace trace;
        std::string_view sql;
    };
    constexpr std::array<Command, 6> commands{{
        {Trace::Cursors, "CLOSE ALL;"},
        // Being another role first, which may not be allowed the rest.
        {Trace::Settings, "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;"},
        {Trace::Channels, "UNLISTEN *;"},
        {Trace::Locks, "SELECT pg_catalog.pg_advisory_unlock_all();"},
        {Trace::Temporary, "DISCARD TEMP;"},
        {Trace::Sequences, "DISCARD SEQUENCES;"},
    }};
    std::string sql;
    for (const Command& command : commands) {
        if (traces.has(command.trace)) sql += command.sql;
    }
    return sql;
}

}  // namespace penstock::session
