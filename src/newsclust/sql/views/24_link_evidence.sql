-- Why two articles may tell one story.
CREATE OR REPLACE VIEW link_evidence AS
SELECT links.article_a, a.title AS title_a, links.article_b, b.title AS title_b, links.probability, links.evidence,
       links.linked_at
FROM internal.links
JOIN internal.articles AS a ON a.article_id = links.article_a
JOIN internal.articles AS b ON b.article_id = links.article_b
ORDER BY links.probability DESC, links.article_a, links.article_b;
COMMENT ON VIEW link_evidence IS 'Pairs of articles that may tell one story, with the evidence';
COMMENT ON COLUMN link_evidence.article_a IS 'One article';
COMMENT ON COLUMN link_evidence.title_a IS 'Its title';
COMMENT ON COLUMN link_evidence.article_b IS 'The other';
COMMENT ON COLUMN link_evidence.title_b IS 'Its title';
COMMENT ON COLUMN link_evidence.probability IS 'That both tell one story';
COMMENT ON COLUMN link_evidence.evidence IS 'What raises or lowers the log-odds, by name; "both say X" is the rarity of X, in nats';
COMMENT ON COLUMN link_evidence.linked_at IS 'The night that compared them, UTC';
