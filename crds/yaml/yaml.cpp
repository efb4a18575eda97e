#include "crds/yaml/yaml.hpp"

#include "crds/yaml/builder.hpp"
#include "crds/yaml/scalar.hpp"

#include <exception>
#include <sstream>

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/parser.h>

namespace penstock::yaml {
namespace {

using api::Document;
using api::Error;

std::string place(std::string_view name, const YAML::Mark& mark) {
    if (mark.is_null()) return std::string{name};
    return std::string{name} + ":" + std::to_string(mark.line + 1) + ":" +
           std::to_string(mark.column + 1);
}

// The line of the first byte that is neither text in UTF-8 nor white space; 0 if there is none.
std::size_t first_bad_line(std::string_view text) {
    std::size_t line = 1;
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte == '\n') ++line;
        if (byte < 0x80) {
            if (byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') return line;
            ++i;
            continue;
        }
        const std::size_t more = byte >= 0xF0 && byte <= 0xF4 ? 3U : byte >= 0xE0 ? 2U : 1U;
        if (byte < 0xC2 || byte > 0xF4 || text.size() - i <= more) return line;
        const auto second = static_cast<unsigned char>(text[i + 1]);
        // Overlong forms, surrogates and code points above U+10FFFF.
        if ((byte == 0xE0 && second < 0xA0) || (byte == 0xED && second > 0x9F)) return line;
        if ((byte == 0xF0 && second < 0x90) || (byte == 0xF4 && second > 0x8F)) return line;
        for (std::size_t k = 1; k <= more; ++k) {
            if ((static_cast<unsigned char>(text[i + k]) & 0xC0U) != 0x80U) return line;
        }
        i += more + 1;
    }
    return 0;
}

void emit(YAML::Emitter& out, const Document& value) {
    switch (value.type()) {
        case Document::value_t::object:
            if (value.empty()) out << YAML::Flow;
            out << YAML::BeginMap;
            for (const auto& [key, member] : value.items()) {
                out << YAML::Key;
                emit(out, Document(key));
                out << YAML::Value;
                emit(out, member);
            }
            out << YAML::EndMap;
            break;
        case Document::value_t::array:
            if (value.empty()) out << YAML::Flow;
            out << YAML::BeginSeq;
            for (const Document& element : value) emit(out, element);
            out << YAML::EndSeq;
            break;
        case Document::value_t::string: {
            const auto& text = value.get_ref<const std::string&>();
            if (needs_quotes(text)) out << YAML::DoubleQuoted;
            out << text;
            break;
        }
        default:
            out << api::to_json_text(value);
    }
}

}  // namespace

api::Result<std::vector<Document>> read(
    std::string_view text, std::string_view name, const ReadLimits& limits
) {
    if (text.size() > limits.bytes) {
        return tl::unexpected(Error{
            std::string{name},
            "has " + std::to_string(text.size()) + " bytes; at most " +
                std::to_string(limits.bytes) + " are read"});
    }
    if (const std::size_t line = first_bad_line(text); line != 0) {
        return tl::unexpected(Error{
            std::string{name} + ":" + std::to_string(line),
            "has bytes that are no UTF-8 text; save it as UTF-8"});
    }
    try {
        std::istringstream stream{std::string{text}};
        YAML::Parser parser{stream};
        Builder builder{limits};
        while (parser.HandleNextDocument(builder)) {
        }
        return std::move(builder.documents());
    } catch (const YAML::Exception& fault) {
        return tl::unexpected(Error{place(name, fault.mark), fault.msg});
    } catch (const std::exception& fault) {
        return tl::unexpected(Error{std::string{name}, fault.what()});
    }
}

api::Result<Document> read_one(
    std::string_view text, std::string_view name, const ReadLimits& limits
) {
    auto documents = read(text, name, limits);
    if (!documents) return tl::unexpected(std::move(documents.error()));
    if (documents->size() > 1) {
        return tl::unexpected(Error{
            std::string{name},
            "has " + std::to_string(documents->size()) +
                " documents; put each in a file of its own"});
    }
    if (documents->empty()) return Document::object();
    return std::move(documents->front());
}

std::string write(const Document& document) {
    YAML::Emitter out;
    out.SetIndent(2);
    emit(out, document);
    return std::string{out.c_str(), out.size()} + "\n";
}

}  // namespace penstock::yaml
