"""Which font packages are packaged with ocrsmith: npm names below `@expo-google-fonts/`, by category.

Where a family reserves its name (SIL Open Font License, section 3), a subset may not carry it: such families are in
`RENAMED` with the neutral name that ocrsmith gives its subset.
"""

from __future__ import annotations

NAMES_BY_CATEGORY: dict[str, str] = {
    "serif": """
        abhaya-libre alegreya besley bitter bodoni-moda cambo cardo cinzel cormorant crimson-pro
        crimson-text eb-garamond frank-ruhl-libre fraunces ibm-plex-serif inria-serif instrument-serif
        libre-baskerville libre-caslon-text literata lora newsreader noto-serif playfair-display pt-serif
        roboto-serif sorts-mill-goudy source-serif-4 spectral young-serif abril-fatface dm-serif-display
    """,
    "slab": "roboto-slab zilla-slab",
    "sans": """
        afacad albert-sans anton antonio archivo archivo-black asap assistant atkinson-hyperlegible
        bai-jamjuree barlow barlow-condensed barlow-semi-condensed be-vietnam-pro bebas-neue blinker
        bricolage-grotesque cabin cairo chakra-petch darker-grotesque dm-sans epilogue exo exo-2 figtree fira-sans
        fredoka funnel-sans fustat geist geologica hanken-grotesk heebo hind host-grotesk ibm-plex-sans
        instrument-sans inter jost jura kanit karla lato league-gothic league-spartan libre-franklin madimi-one manrope
        montserrat montserrat-alternates mulish national-park noto-sans nunito nunito-sans onest open-sans orbitron
        oswald outfit overpass parkinsans plus-jakarta-sans poppins prompt pt-sans pt-sans-narrow public-sans questrial
        rajdhani raleway red-hat-display rethink-sans roboto roboto-condensed rubik rubik-mono-one russo-one saira
        sarabun schibsted-grotesk sen sn-pro sora source-sans-3 space-grotesk spline-sans syne tajawal teko
        titillium-web unbounded urbanist work-sans
    """,
    "mono": """
        anonymous-pro azeret-mono chivo-mono courier-prime dm-mono fira-code fragment-mono geist-mono google-sans-code
        ibm-plex-mono inconsolata jetbrains-mono martian-mono overpass-mono pt-mono roboto-mono share-tech-mono
        source-code-pro space-mono vt323 special-elite
    """,
    "display": """
        audiowide baloo-2 bangers big-shoulders-display bubblegum-sans bungee carter-one chewy creepster comfortaa
        funnel-display gabarito jersey-10 jersey-15 lilita-one lobster luckiest-guy oleo-script oxanium press-start-2p
        righteous rye silkscreen
    """,
    "handwriting": """
        alex-brush allison allura amatic-sc caveat comic-neue dancing-script finger-paint gloria-hallelujah gochi-hand
        great-vibes hurricane indie-flower kalam la-belle-aurore mansalva marck-script meow-script pacifico
        patrick-hand permanent-marker playpen-sans reenie-beanie sacramento satisfy schoolbell shadows-into-light
        shantell-sans sour-gummy
    """,
}

# Families whose authors reserve a name, and the name of the subset.
RENAMED: dict[str, str] = {
    "abril-fatface": "Anvil Fat Face",
    "anonymous-pro": "Anvil Plain Mono",
    "assistant": "Anvil Helper Sans",
    "audiowide": "Anvil Wide",
    "bitter": "Anvil Book Slab",
    "bubblegum-sans": "Anvil Bubble",
    "cambo": "Anvil Text Serif",
    "carter-one": "Anvil Heavy Casual",
    "comfortaa": "Anvil Round",
    "creepster": "Anvil Horror",
    "dancing-script": "Anvil Bouncing Hand",
    "dm-serif-display": "Anvil High Contrast",
    "finger-paint": "Anvil Finger",
    "gochi-hand": "Anvil Young Hand",
    "ibm-plex-mono": "Anvil Machine Mono",
    "ibm-plex-sans": "Anvil Machine Sans",
    "ibm-plex-serif": "Anvil Machine Serif",
    "lato": "Anvil Summer Sans",
    "libre-baskerville": "Anvil Web Book",
    "lilita-one": "Anvil Fat Sans",
    "lobster": "Anvil Bold Brush",
    "lora": "Anvil Calligraphic Serif",
    "marck-script": "Anvil Felt Hand",
    "oleo-script": "Anvil Flowing Hand",
    "orbitron": "Anvil Geometric Display",
    "playfair-display": "Anvil Transitional",
    "press-start-2p": "Anvil Arcade",
    "pt-mono": "Anvil Form Mono",
    "pt-sans": "Anvil Public Sans",
    "pt-sans-narrow": "Anvil Public Narrow",
    "pt-serif": "Anvil Public Serif",
    "raleway": "Anvil Elegant Sans",
    "reenie-beanie": "Anvil Ballpoint Hand",
    "righteous": "Anvil Deco",
    "russo-one": "Anvil Poster Sans",
    "rye": "Anvil Western",
    "sacramento": "Anvil Monoline Hand",
    "share-tech-mono": "Anvil Label Mono",
    "source-code-pro": "Anvil Code Mono",
    "source-sans-3": "Anvil Interface Sans",
    "source-serif-4": "Anvil Interface Serif",
}

SLAB_AMONG_SERIFS = frozenset({"bitter", "besley"})

# The npm package `dseg`: seven- and fourteen-segment displays. "DSEG" is reserved, hence the names.
SEGMENT_FAMILIES: dict[str, str] = {
    "DSEG7-Classic/DSEG7Classic": "Seven Segment Classic",
    "DSEG7-Classic-MINI/DSEG7ClassicMini": "Seven Segment Classic Mini",
    "DSEG7-Modern/DSEG7Modern": "Seven Segment Modern",
    "DSEG7-Modern-MINI/DSEG7ModernMini": "Seven Segment Modern Mini",
    "DSEG14-Classic/DSEG14Classic": "Fourteen Segment Classic",
    "DSEG14-Classic-MINI/DSEG14ClassicMini": "Fourteen Segment Classic Mini",
    "DSEG14-Modern/DSEG14Modern": "Fourteen Segment Modern",
    "DSEG14-Modern-MINI/DSEG14ModernMini": "Fourteen Segment Modern Mini",
}
SEGMENT_STYLES = ("Light", "Regular", "Bold", "Italic", "BoldItalic")
