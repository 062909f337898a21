-- How much of an article its text is; what was stored before had a text always.

ALTER TABLE articles ADD COLUMN text_quality TEXT;  -- full, partial, headline, wall, paywalled
UPDATE articles
SET text_quality = CASE WHEN paywall_marker IS NOT NULL THEN 'paywalled'
                        WHEN text_source = 'page' OR word_count >= 150 THEN 'full'
                        ELSE 'partial' END;
