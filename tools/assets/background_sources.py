"""Which pictures of which Debian packages become backgrounds, chosen by eye: no letters, no logos, no characters.

Paths are below usr/share of the package. Licences and authors are read from the package's own debian/copyright.
"""

from __future__ import annotations

# supertuxkart-data: folder -> file names. Each becomes one background, whole.
RACING_TEXTURES: dict[str, str] = {
    "games/supertuxkart/data/library/stklib_old_house_a": """
        dark-wall-wood.png stktex_generic_WoodA.png
    """,
    "games/supertuxkart/data/skins/cartoon": """
        background.jpg
    """,
    "games/supertuxkart/data/textures": """
        HortonRockWall.jpg HortonRockWall2.jpg JapanwoodBridge.jpg Paving_stones_2.jpg black_rockMountain.jpg
        blackrock.jpg bow_tile.jpg canyon.jpg canyon_water.png castelwall.jpg city_ground.jpg city_rock.jpg
        cracked-earth-texture.jpg dirt.jpg grass2.jpg grass3.jpg grass_dark.jpg hacienda_ground.jpg
        hd_palmTreeBark_a_Albedo.png plants.jpg pyramidwall.jpg racetrack_grass.jpg racetrack_wall.jpg road_dirt.jpg
        rock.jpg rock1.jpg rockMountain.jpg rockTograss.jpg rock_brown.jpg rock_grey.jpg rock_mountain.jpg
        rockwall.jpg rockwaterfall.jpg sand2.jpg sea2.jpg stk_generic_blackCeramic_a.png stk_generic_pinkCeramic_a.png
        stklib_entranceGuardianMale_a.png stktex_generic_bambooB.png woodBridge.jpg wood_planks1.jpg yellow_dirt.jpg
    """,
    "games/supertuxkart/data/tracks/ancient_colosseum_labyrinth": """
        3td_BrickOldRound_01.jpg Ice03_col.jpg magma.jpg texture_egypte.jpg wall.png wall1b.jpg
    """,
    "games/supertuxkart/data/tracks/battleisland": """
        crate1_diffuse.jpg
    """,
    "games/supertuxkart/data/tracks/black_forest": """
        brick_wall_06.jpg fir_bark.png forest_floor.jpg forest_trees.jpg half-timbered_house.jpg redTowel.jpg
        road_forestFloor_full.jpg road_grass_wood.jpg rock_gray.jpg trees_bark_001_col.jpg whiteTowel.jpg
    """,
    "games/supertuxkart/data/tracks/cave": """
        Ground010_1K_Color.png
    """,
    "games/supertuxkart/data/tracks/endcutscene": """
        carpet.jpg
    """,
    "games/supertuxkart/data/tracks/fortmagma": """
        blackrock.jpg castelwall.png track_01.jpg wallpaper_mansion.png wood_planks1.jpg
    """,
    "games/supertuxkart/data/tracks/gran_paradiso_island": """
        windows_reflection.png
    """,
    "games/supertuxkart/data/tracks/introcutscene": """
        grass.jpg lanternsupport.jpg
    """,
    "games/supertuxkart/data/tracks/introcutscene2": """
        sign_backside.jpg
    """,
    "games/supertuxkart/data/tracks/olivermath": """
        mathclassfloor.jpg
    """,
    "games/supertuxkart/data/tracks/sandtrack": """
        sand.png
    """,
    "games/supertuxkart/data/tracks/stk_enterprise": """
        bomber_metal1b.jpg cromwatertower2.jpg img_0572.png metal_rusted.jpg
    """,
    "games/supertuxkart/data/tracks/zengarden": """
        rockTograss.png stk_generic_rockSnow_b.png to_black_rockMountain.png
    """,
}

# redeclipse-data: folder -> file names. Each becomes one background, whole.
ARENA_TEXTURES: dict[str, str] = {
    "games/redeclipse/data/appleflap": """
        dirtyconcrete.jpg floor.jpg
    """,
    "games/redeclipse/data/elyvisions": """
        dark_bk.png dark_ft.png dark_rt.png dark_up.png hot_dn.png rainbow_bk.png rainbow_ft.png sh_bk.png sp2_dn.png
        sp2_lf.png sp2_rt.png
    """,
    "games/redeclipse/data/freezurbern": """
        arid2_bk.jpg arid2_dn.jpg arid2_ft.jpg arid2_rt.jpg arid_dn.jpg arid_ft.jpg barren_ft.jpg barren_rt.jpg
        harmony_ft.jpg tropic_rt.png violence_dn.jpg violence_lf.jpg wrath_bk.jpg wrath_lf.jpg wrath_up.jpg
    """,
    "games/redeclipse/data/jwin": """
        altitude_bk.jpg
    """,
    "games/redeclipse/data/mayhem": """
        afterrain_bk.jpg afterrain_dn.jpg afterrain_rt.jpg aqua4_bk.jpg aqua4_dn.jpg aqua4_lf.jpg aqua9_rt.jpg
        flame_dn.jpg flame_rt.jpg grouse_bk.jpg grouse_dn.jpg grouse_lf.jpg grouse_up.jpg h2s_dn.jpg h2s_ft.jpg
        prehistoric_bk.jpg prehistoric_ft.jpg scorched_dn.jpg scorched_lf.jpg shattered_bk.jpg shattered_lf.jpg
        trough_bk.jpg trough_ft.jpg
    """,
    "games/redeclipse/data/philipk/pk01": """
        floor01a_d.png floor01b_d.png pan_wall01_d.png roof01_d.png vent_wall03_d.png
    """,
    "games/redeclipse/data/philipk/pk02": """
        ceiling03_c.png door01_c.png floor01_c.png floor02_c.png floor04_c.png floor09a_c.png floor09b_c.png
        floor_cyl01_c.png floor_cyl02_c.png panels01a_c.png panels01b_c.png panels01c_c.png rock01_c.png sand01_c.png
        trim_set01a_c.png trim_set01b_c.png trim_set02b_c.png wall03b_c.png wall04a_c.png wall04b_c.png wall05a_c.png
        wall05c_c.png wall06a_c.png wall06b_c.png wall07b_c.png wall_big01a_c.png
    """,
    "games/redeclipse/data/skyboxes": """
        interstellar_ft.jpg miramar_ft.jpg stormydays_bk.jpg stormydays_dn.jpg stormydays_ft.jpg
    """,
    "games/redeclipse/data/trak/trak4": """
        brick1.jpg brick2.jpg brick2a.jpg brick2b.jpg concrete1a.jpg concrete2a.jpg concrete3.jpg concrete4a.jpg
        concrete4b.jpg concrete5a.jpg concrete5b.jpg painted2.jpg plaster1.jpg plaster3a.jpg plaster3b-2.jpg
        plaster3c-2.jpg plaster3d-2.jpg rust1.jpg rust1a.jpg rust2.jpg tile1.jpg tile2a.jpg wood1c.jpg
    """,
    "games/redeclipse/data/trak/trak6": """
        panel1.jpg tile2.jpg
    """,
    "games/redeclipse/data/trak/trak7": """
        tile1.jpg
    """,
    "games/redeclipse/data/unnamed": """
        brick01.png darkness_floor01.png darkness_tile01.png darkness_wall01.jpg darkness_wall02.jpg metal06.png
        stone01-a.png stone01-c.png unnamedmetal04.png unnamedmisc01.png unnamedrock01.png unnamedtile05.png
        wall04.png
    """,
}

# lomiri-wallpapers-*: file -> (column, row, side) of square crops, as parts of the picture's width, height and shorter
# side. At most four of one photograph.
PHOTOGRAPHS: dict[str, dict[str, tuple[tuple[float, float, float], ...]]] = {
    "lomiri-wallpapers-16.04": {
        "Bridge_by_Sander_Klootwijk.jpg": ((0.0, 0.0, 0.6), (1.0, 0.0, 0.5), (0.0, 1.0, 0.5), (1.0, 1.0, 0.6)),
        "Dragonfly_by_Bolly.jpg": ((0.0, 0.0, 0.6), (1.0, 0.0, 0.5), (0.0, 1.0, 0.5), (1.0, 1.0, 0.6)),
        "Picture_1A_by_freespace.jpg": ((0.0, 0.0, 0.6), (1.0, 0.0, 0.5), (0.0, 1.0, 0.5), (1.0, 1.0, 0.6)),
        "Wine_by_Jakkub_Mede.jpg": ((0.0, 0.0, 0.6), (1.0, 0.0, 0.5), (0.0, 1.0, 0.5), (1.0, 1.0, 0.6)),
        "aitzgorri_by_Aitzol_Berasategi.jpg": ((0.0, 0.0, 0.6), (1.0, 0.0, 0.5), (0.0, 1.0, 0.5), (1.0, 1.0, 0.6)),
        "analogpattern_by_Peter_Nerlich.jpg": ((0.0, 0.5, 0.6), (0.5, 0.0, 0.5), (1.0, 1.0, 0.6)),
        "free_by_Peter_Nerlich.jpg": ((0.0, 0.5, 0.8), (1.0, 0.5, 0.8)),
        "friends_by_Aitzol_Berasategi.jpg": ((0.0, 0.0, 0.6), (1.0, 0.0, 0.5), (0.0, 1.0, 0.5), (1.0, 1.0, 0.6)),
        "life_by_Aitzol_Berasategi.jpg": ((0.0, 0.0, 0.6), (1.0, 0.0, 0.5), (0.0, 1.0, 0.5), (1.0, 1.0, 0.6)),
        "picosdeeuropa_by_Aitzol_Berasategi.jpg": ((0.0, 0.0, 0.6), (1.0, 0.0, 0.5), (0.0, 1.0, 0.5), (1.0, 1.0, 0.6)),
        "seeding_by_Clements_Engelhardt.jpg": ((0.0, 0.0, 0.6), (1.0, 0.0, 0.5), (0.0, 1.0, 0.5), (1.0, 1.0, 0.6)),
        "sunset_by_Aitzol_Berasategi.jpg": ((0.0, 0.0, 0.6), (1.0, 0.0, 0.5), (0.0, 1.0, 0.5), (1.0, 1.0, 0.6)),
        "umang_by_Abhishek_Mudgal.jpg": ((0.0, 0.5, 0.8), (1.0, 0.5, 0.8)),
    },
    "lomiri-wallpapers-20.04": {
        "Fossa_by_Jasper_Roks.jpg": ((0.0, 0.5, 0.8), (1.0, 0.5, 0.8)),
        "Infinite-Sea_by_Aury88.jpg": ((0.0, 0.5, 0.8), (1.0, 0.5, 0.8)),
        "Kleiber_by_Lukas_Baubkus.jpg": ((0.0, 0.0, 0.6), (1.0, 0.0, 0.5), (0.0, 1.0, 0.5), (1.0, 1.0, 0.6)),
        "Painting-Colors_by__herobrine7gamer.jpg": ((0.0, 0.5, 0.8), (1.0, 0.5, 0.8)),
    },
}

# Made, but refused when looked at: name of the file without ending -> why.
REFUSED_BY_EYE: dict[str, str] = {
    "lomiri-wine-by-jakkub-mede-1": "a bottle with a label",
    "lomiri-wine-by-jakkub-mede-2": "a bottle with a label",
    "lomiri-sunset-by-aitzol-berasategi-4": "an orientation table with engraved names",
}
