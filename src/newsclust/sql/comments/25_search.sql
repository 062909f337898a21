-- What search finds articles by.
COMMENT ON TABLE search_documents IS 'Articles that search finds, each with its number';
COMMENT ON COLUMN search_documents.doc IS 'Its number in search_postings';
COMMENT ON COLUMN search_documents.language IS 'Whose stems its words got: en, fr, or empty for none';
COMMENT ON COLUMN search_documents.title_words IS 'Words of its title, stop words included';
COMMENT ON COLUMN search_documents.text_words IS 'Words of its text, stop words included';
COMMENT ON COLUMN search_documents.indexed_at IS 'The night its present title and text were indexed, UTC';
COMMENT ON COLUMN search_documents.run_id IS 'The run that indexed them';
COMMENT ON TABLE search_words IS 'Every word of the archive as it is written, by language, with its stem';
COMMENT ON COLUMN search_words.word IS 'In lower case, without accents; products and numbers also as one word: rtx5090, cve20261234';
COMMENT ON COLUMN search_words.language IS 'Of the articles that hold it: en, fr, or empty';
COMMENT ON COLUMN search_words.stem IS 'NULL: a stop word';
COMMENT ON COLUMN search_words.term IS 'The number of stem and language in search_postings; NULL: a stop word';
COMMENT ON TABLE search_postings IS 'Which article holds which term';
COMMENT ON COLUMN search_postings.term IS 'As in search_words';
COMMENT ON COLUMN search_postings.doc IS 'As in search_documents';
COMMENT ON COLUMN search_postings.in_title IS 'How often its title holds it';
COMMENT ON COLUMN search_postings.in_text IS 'How often its text holds it';
